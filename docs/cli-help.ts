/** The help of every verb of `kn-lambda`, for cli.md. */
import type { Command } from 'commander';
import { createProgram } from '#cli/kn-lambda/program.ts';
import type { Terminal } from '#cli/kn-lambda/terminal.ts';

/** It is the same for every verb, so it is shown once. */
const PLATFORM = /\nWhich platform:\n(?: .*\n)+/;

export function cliHelp(): string {
  const { program, helpOf } = silentProgram();
  const verbs = program.commands.flatMap((verb) => (verb.commands.length > 0 ? verb.commands : [verb]));
  const [platform = ''] = PLATFORM.exec(helpOf(verbs.find((verb) => verb.name() === 'list') ?? program)) ?? [];
  const sections = verbs.map((verb) => `### ${nameOf(verb)}\n\n${block(helpOf(verb).replace(PLATFORM, ''))}`);
  return [
    block(helpOf(program)),
    `## Which platform\n\nVerbs that speak to a platform take these, too:\n\n${block(platform.trim())}`,
    '## Verbs',
    ...sections,
  ].join('\n\n');
}

function silentProgram(): { program: Command; helpOf: (command: Command) => string } {
  let text = '';
  const plain = (_style: string, painted: string): string => painted;
  const nothing = { write: () => true };
  const terminal: Terminal = {
    say: (line) => {
      text += `${line}\n`;
    },
    sayJson: () => {},
    asCalled: (line) => line,
    note: () => {},
    paint: plain,
    paintNote: plain,
    isInteractive: false,
    out: nothing,
    err: nothing,
  };
  const { signal } = new AbortController();
  const program = createProgram({ terminal, signal, cwd: '/', environment: {}, stdin: process.stdin }, '');
  const helpOf = (command: Command): string => {
    text = '';
    command.outputHelp();
    return text;
  };
  return { program, helpOf };
}

function nameOf(verb: Command): string {
  const { parent } = verb;
  return parent === null || parent.name() === 'kn-lambda' ? verb.name() : `${parent.name()} ${verb.name()}`;
}

function block(text: string): string {
  return `\`\`\`text\n${text.trim()}\n\`\`\``;
}
