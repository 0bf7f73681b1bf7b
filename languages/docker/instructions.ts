/** A Dockerfile as builders read it, up to what an instruction means. */
import { invalidManifest } from '#languages/invalid-manifest.ts';

export const DOCKERFILE = 'Dockerfile';

export interface Instruction {
  /** In upper case. */
  keyword: string;
  /** As it is written. */
  word: string;
  /** What follows it: continued lines joined, without comments and here-documents. */
  text: string;
  /** Its first line and its last, which may be that of a here-document; from 1. */
  line: number;
  end: number;
}

const WITH_HERE = ['RUN', 'COPY', 'ADD'];
/** A word `<<EOF` or `<<-"EOF"`. */
const HERE = /(?:^|\s)\d*<<(-?)(["']?)(\w+)\2(?=\s|$)/g;
/** Such a sign inside of them is text. */
const QUOTED = /(?<!<<-?)(?:"(?:\\.|[^"\\])*"|'[^']*')/g;

/** Throws PermanentError InvalidManifest where a here-document never ends. */
export function* instructionsOf(dockerfile: string): Generator<Instruction> {
  const lines = dockerfile.replace(/^\uFEFF/, '').split(/\r?\n/);
  const sign = /^#\s*escape\s*=\s*`\s*$/i.test(lines[0] ?? '') ? '`' : '\\';
  for (let at = 0; at < lines.length; at += 1) {
    if (isNothing(lines[at] ?? '')) {
      continue;
    }
    const first = at;
    at = endOfInstruction(lines, first, sign);
    const written = lines.slice(first, at + 1).filter((line) => !isNothing(line));
    const whole = written.map((line) => withoutSign(line.trimEnd(), sign)).join(' ');
    const [, word = '', text = ''] = /^\s*(\S+)\s*([\s\S]*)$/.exec(whole) ?? [];
    const keyword = word.toUpperCase();
    at = WITH_HERE.includes(keyword) ? endOfHere(lines, lines.slice(first, at + 1).join('\n'), at) : at;
    yield { keyword, word, text: text.trim(), line: first + 1, end: at + 1 };
  }
}

const isNothing = (line: string) => /^\s*(?:#|$)/.test(line);

function withoutSign(line: string, sign: string): string {
  return line.endsWith(sign) ? line.slice(0, -1) : line;
}

/** The index of its last line. Comments and empty lines may lie between. */
function endOfInstruction(lines: readonly string[], from: number, sign: string): number {
  let at = from;
  while (at + 1 < lines.length && (isNothing(lines[at] ?? '') || (lines[at] ?? '').trimEnd().endsWith(sign))) {
    at += 1;
  }
  return at;
}

/** The index of the line that closes all here-documents of the instruction. */
function endOfHere(lines: readonly string[], instruction: string, end: number): number {
  let last = end;
  for (const [, dash, , name] of instruction.replace(QUOTED, '""').matchAll(HERE)) {
    const closing = lines.findIndex((line, at) => at > last && (dash ? line.replace(/^\t+/, '') : line) === name);
    if (closing === -1) {
      throw invalidManifest(
        DOCKERFILE,
        { line: end + 1 },
        `opens the here-document <<${name} and never closes it. Add a line that is "${name}" alone`,
      );
    }
    last = closing;
  }
  return last;
}
