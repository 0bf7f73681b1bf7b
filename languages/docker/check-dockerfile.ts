/** What no builder can read in a Dockerfile: told before a build, which would try it three times. */
import { invalidManifest } from '#languages/invalid-manifest.ts';

const FILE = 'Dockerfile';
const INSTRUCTIONS = new Set(
  `ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME
  WORKDIR`.split(/\s+/),
);
const WITH_HERE = ['RUN', 'COPY', 'ADD'];
/** A word `<<EOF` or `<<-"EOF"`. */
const HERE = /(?:^|\s)\d*<<(-?)(["']?)(\w+)\2(?=\s|$)/g;
/** Such a sign inside of them is text. */
const QUOTED = /(?<!<<-?)(?:"(?:\\.|[^"\\])*"|'[^']*')/g;

/** Throws PermanentError InvalidManifest with the line. */
export function checkDockerfile(text: string): void {
  const lines = text.split(/\r?\n/);
  const sign = /^#\s*escape\s*=\s*`\s*$/i.test(lines[0] ?? '') ? '`' : '\\';
  let begun = false;
  for (let at = 0; at < lines.length; at += 1) {
    const first = lines[at] ?? '';
    if (isNothing(first)) {
      continue;
    }
    const word = /\S+/.exec(first)?.[0] ?? '';
    const keyword = word.toUpperCase();
    checkKeyword(keyword, word, at + 1, begun);
    begun ||= keyword === 'FROM';
    const end = endOfInstruction(lines, at, sign);
    const whole = lines.slice(at, end + 1).join('\n');
    at = WITH_HERE.includes(keyword) ? endOfHere(lines, whole, end) : end;
  }
}

const isNothing = (line: string) => /^\s*(?:#|$)/.test(line);

/** The index of its last line. Comments and empty lines may lie between. */
function endOfInstruction(lines: readonly string[], from: number, sign: string): number {
  let at = from;
  while (at + 1 < lines.length && (isNothing(lines[at] ?? '') || (lines[at] ?? '').trimEnd().endsWith(sign))) {
    at += 1;
  }
  return at;
}

function checkKeyword(keyword: string, word: string, line: number, begun: boolean): void {
  if (!INSTRUCTIONS.has(keyword)) {
    throw invalidManifest(
      FILE,
      { line },
      `begins with ${JSON.stringify(word.slice(0, 50))}, which is no instruction. Mend it (a line that goes on ends with a backslash)`,
    );
  }
  if (!begun && keyword !== 'FROM' && keyword !== 'ARG') {
    throw invalidManifest(FILE, { line }, `has ${keyword} before the first FROM. Begin with a base image`);
  }
}

/** The index of the line that closes all here-documents of the instruction. */
function endOfHere(lines: readonly string[], instruction: string, end: number): number {
  let last = end;
  for (const [, dash, , name] of instruction.replace(QUOTED, '""').matchAll(HERE)) {
    const closing = lines.findIndex((line, at) => at > last && (dash ? line.replace(/^\t+/, '') : line) === name);
    if (closing === -1) {
      throw invalidManifest(
        FILE,
        { line: end + 1 },
        `opens the here-document <<${name} and never closes it. Add a line that is "${name}" alone`,
      );
    }
    last = closing;
  }
  return last;
}
