/** Reads a Dockerfile into stages of instructions. */
import { BuildError } from './build-error.ts';
import { splitWords } from './dockerfile-words.ts';

export interface Instruction {
  keyword: string;
  /** The whole of it, for the log. */
  whole: string;
  /** `--from=build` of COPY and the like: name → value, `true` where there is none. */
  flags: Record<string, string>;
  /** The JSON array, where the arguments are one. */
  exec: string[] | undefined;
  /** The arguments as they stand, without the flags. */
  text: string;
  /** `key=value` pairs of ENV, ARG and LABEL, still quoted; ARG may lack the value. */
  pairs: [string, string | undefined][];
  /** Of its first line. */
  line: number;
}

export interface Stage {
  from: Instruction;
  /** Lower case. */
  name: string | undefined;
  instructions: Instruction[];
}

export interface Dockerfile {
  /** ARG lines before the first FROM: known to FROM lines, and to a stage that repeats them. */
  globalArgs: Instruction[];
  stages: Stage[];
}

const WITH_PAIRS = ['ENV', 'LABEL', 'ARG'];
const WITH_EXEC = ['RUN', 'CMD', 'ENTRYPOINT', 'COPY', 'ADD', 'SHELL', 'VOLUME'];
const WITH_FLAGS = ['FROM', 'RUN', 'COPY', 'ADD', 'HEALTHCHECK'];
const OTHERS = ['WORKDIR', 'USER', 'EXPOSE', 'STOPSIGNAL', 'ONBUILD', 'MAINTAINER', 'HEALTHCHECK', 'FROM'];
const KEYWORDS = new Set([...WITH_PAIRS, ...WITH_EXEC, ...OTHERS]);

/** Throws BuildError, which names the line. */
export function parseDockerfile(content: string): Dockerfile {
  const globalArgs: Instruction[] = [];
  const stages: Stage[] = [];
  for (const { text, line } of logicalLines(content.replace(/^\uFEFF/, '').split(/\r?\n/))) {
    const instruction = parseInstruction(text, line);
    if (instruction.keyword === 'FROM') {
      stages.push({ from: instruction, name: stageName(instruction), instructions: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (stage !== undefined) {
      stage.instructions.push(instruction);
    } else if (instruction.keyword === 'ARG') {
      globalArgs.push(instruction);
    } else {
      throw syntaxError(line, `no build stage in current context: ${instruction.keyword} comes before the first FROM`);
    }
  }
  if (stages.length === 0) {
    throw new BuildError('parsing dockerfile: file with no instructions: it needs at least a FROM line');
  }
  return { globalArgs, stages };
}

function syntaxError(line: number, message: string): BuildError {
  return new BuildError(`parsing dockerfile: dockerfile parse error on line ${line}: ${message}`);
}

/** Joins continued lines. Comments and empty lines within them are left out, as Docker does. */
function* logicalLines(lines: readonly string[]): Generator<{ text: string; line: number }> {
  let text = '';
  let start = 0;
  for (const [index, raw] of lines.entries()) {
    const isComment = /^\s*#/.test(raw);
    if (isComment || (start > 0 && raw.trim() === '')) {
      continue;
    }
    if (start === 0) {
      if (raw.trim() === '') {
        continue;
      }
      start = index + 1;
    }
    const trimmed = raw.trimEnd();
    const continues = /(^|[^\\])\\$/.test(trimmed);
    text += continues ? trimmed.slice(0, -1) : raw;
    if (continues) {
      continue;
    }
    yield { text: text.trim(), line: start };
    text = '';
    start = 0;
  }
  if (start > 0 && text.trim() !== '') {
    yield { text: text.trim(), line: start };
  }
}

function parseInstruction(text: string, line: number): Instruction {
  const [, word = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  const keyword = word.toUpperCase();
  if (!KEYWORDS.has(keyword)) {
    throw syntaxError(line, `unknown instruction: ${word}`);
  }
  if (rest === '') {
    throw syntaxError(line, `${keyword} requires at least one argument`);
  }
  const { flags, text: body } = WITH_FLAGS.includes(keyword) ? takeFlags(rest) : { flags: {}, text: rest };
  const exec = WITH_EXEC.includes(keyword) ? parseExec(body) : undefined;
  if (exec === undefined && ['RUN', 'COPY', 'ADD'].includes(keyword) && /(^|\s)<<-?\s*["']?[A-Za-z_]/.test(body)) {
    throw syntaxError(
      line,
      `${keyword} with a here-document is not supported: write the text to a file of the source, or join commands with &&`,
    );
  }
  if (keyword === 'SHELL' && (exec === undefined || exec.length === 0)) {
    throw syntaxError(line, 'SHELL requires the arguments to be in JSON form');
  }
  const pairs = WITH_PAIRS.includes(keyword) ? parsePairs(keyword, body, line) : [];
  return { keyword, whole: `${keyword} ${rest}`, flags, exec, text: body, pairs, line };
}

function takeFlags(text: string): { flags: Record<string, string>; text: string } {
  const flags: Record<string, string> = {};
  let rest = text;
  for (;;) {
    const match = /^--([a-z][a-z-]*)(?:=(\S*))?(?:\s+|$)/.exec(rest);
    if (match === null) {
      return { flags, text: rest };
    }
    const [whole, name = '', value] = match;
    // Several mounts: all that matters is whether one is of an unsupported kind.
    flags[name] = flags[name] === undefined ? (value ?? 'true') : `${flags[name]} ${value ?? 'true'}`;
    rest = rest.slice(whole.length);
  }
}

/** A JSON array of strings; anything else is the shell form, also what only looks like JSON. */
function parseExec(text: string): string[] | undefined {
  if (!text.startsWith('[')) {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((word) => typeof word === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

function parsePairs(keyword: string, text: string, line: number): [string, string | undefined][] {
  const words = splitWords(text);
  const legacy = keyword !== 'ARG' && !words[0]?.includes('=');
  if (legacy) {
    const [, name = '', value = ''] = /^(\S+)\s+([\s\S]+)$/.exec(text) ?? [];
    if (name === '') {
      throw syntaxError(line, `${keyword} must have two arguments`);
    }
    return [[name, value]];
  }
  return words.map((word) => {
    const index = word.indexOf('=');
    if (index === 0) {
      throw syntaxError(line, `${keyword} names can not be blank`);
    }
    if (index === -1 && keyword !== 'ARG') {
      throw syntaxError(line, `Syntax error - can't find = in "${word}". Must be of the form: name=value`);
    }
    return index === -1 ? [word, undefined] : [word.slice(0, index), word.slice(index + 1)];
  });
}

function stageName({ text, line }: Instruction): string | undefined {
  const words = text.split(/\s+/);
  if (words.length === 1) {
    return undefined;
  }
  const [, as = '', name = ''] = words;
  if (words.length !== 3 || as.toUpperCase() !== 'AS') {
    throw syntaxError(line, 'FROM requires either one or three arguments: FROM <image> [AS <name>]');
  }
  if (!/^[a-z][a-z0-9-_.]*$/i.test(name)) {
    throw syntaxError(
      line,
      `invalid name for build stage: "${name}", name can't start with a number or contain symbols`,
    );
  }
  return name.toLowerCase();
}
