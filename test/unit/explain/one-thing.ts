/** Whether the next step and its command are one thing: the command exists, and the sentence says what it is for. */
import type { Command } from 'commander';
import { createProgram } from '#cli/kn-lambda/program.ts';
import type { Explanation } from '#shared/api/schemas.ts';

const nothing = { write: () => true };
const terminal = {
  say: () => {},
  sayJson: () => {},
  asCalled: (text: string) => text,
  note: () => {},
  paint: (_: string, text: string) => text,
  paintNote: (_: string, text: string) => text,
  isInteractive: false,
  out: nothing,
  err: nothing,
};
const { signal } = new AbortController();
const program = createProgram({ terminal, signal, cwd: '/', environment: {}, stdin: process.stdin }, '');

/** What a sentence has to say of what each verb does. */
const SAYS: Record<string, RegExp> = {
  deploy: /deploy|build\.start|upload/i,
  logs: /\blog\b/,
  events: /events/,
  list: /\blists?\b/,
  explain: /explain/,
  secrets: /secrets?/i,
  doctor: /doctor/,
  login: /login/,
  invoke: /invoke/,
  'dead-letters show': /dead letter/i,
  'dead-letters list': /letter|\blist\b|replay/i,
  'dead-letters replay': /replay|sen[dt] it again/i,
  '--help': /help/,
};
const OF_KUBECTL = /\b(?:see|shows?|look|pods|Broker)\b/i;

type Next = NonNullable<Explanation['next']>;

export function disagreements({ say, command }: Next): string[] {
  const problems = [
    ...(/undefined|\bNaN\b|\[object/.test(`${say} ${command}`) ? ['a value is missing'] : []),
    ...(/^(?:[A-Z`]|sweep )/.test(say) ? [] : ['the sentence does not begin as one']),
    ...(/`npm run/.test(say) ? ['names a program of the repository'] : []),
  ];
  if (command === undefined) {
    return problems;
  }
  if (command !== command.trim() || / {2}| -n$/.test(command)) {
    problems.push('an argument is empty');
  }
  const [tool, ...words] = command.split(' ');
  if (tool === 'kubectl') {
    return OF_KUBECTL.test(say) || say.includes(command) ? problems : [...problems, 'kubectl is not said'];
  }
  if (tool === 'make') {
    return /deploy|rotate/i.test(say) ? problems : [...problems, 'make is not said'];
  }
  if (tool === 'aws' || tool === 'timedatectl') {
    return problems;
  }
  return tool === 'kn-lambda' ? [...problems, ...ofOurs(words, say)] : [...problems, `who has ${tool}?`];
}

function ofOurs(words: string[], say: string): string[] {
  const problems: string[] = [];
  let verb: Command = program;
  const path: string[] = [];
  for (const word of words) {
    const below = verb.commands.find((one) => one.name() === word);
    if (!below) {
      break;
    }
    verb = below;
    path.push(word);
  }
  const rest = words.slice(path.length);
  if (path.length === 0 && rest[0] !== '--help') {
    return [`there is no verb ${words[0]}`];
  }
  if (verb.commands.length > 0 && path.length > 0) {
    problems.push(`${path.join(' ')} is no whole verb`);
  }
  for (const flag of rest.filter((word) => word.startsWith('-') && word !== '--help')) {
    if (!verb.options.some(({ short, long }) => flag === short || flag === long)) {
      problems.push(`${path.join(' ')} has no ${flag}`);
    }
  }
  const name = path.join(' ') || '--help';
  if (!(SAYS[name] ?? /^$/).test(say)) {
    problems.push(`"${say}" does not lead to ${name}`);
  }
  return problems;
}

/** What of the evidence is advice: what was found, and what to do, are two things. */
export function repeated({ evidence, next }: Explanation): string[] {
  const advice = (next?.say ?? '').split(/[.;] /).filter((part) => part.length > 12);
  return evidence.filter(({ text }) => advice.some((part) => text.includes(part))).map(({ text }) => text);
}
