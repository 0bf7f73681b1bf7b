/**
 * Standard output and standard error, for a person and for pipes. Answers go to the first, all else to the second, so
 * that `kn-lambda … > file` keeps the answer alone.
 */
import { styleText } from 'node:util';
import { printable, printableJson } from '#shared/printable.ts';

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

/** What `paint` writes: the only escape codes that reach a terminal. */
const STYLES = new RegExp(`(${String.fromCharCode(27)}\\[(?:1|2|22|31|32|33|36|39)m)`);

export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

export interface Terminal {
  /** An answer: to standard output. */
  say(text: string): void;
  /** An answer for programs, as it is but for characters that a terminal obeys. */
  sayJson(json: string): void;
  /** What is not the answer: to standard error. */
  note(text?: string): void;
  /** Coloured where standard output shows colours. */
  paint(style: Style, text: string): string;
  /** For standard error. */
  paintNote(style: Style, text: string): string;
  /** A sentence with the command in it, as this person calls it. `note` writes all of them so. */
  asCalled(text: string): string;
  /** Whether there is a person at both ends. */
  isInteractive: boolean;
  out: Output;
  err: Output;
}

export interface Streams {
  out: Output;
  err: Output;
  in: { isTTY?: boolean };
}

/** Not a word of a path, and with a verb after it. */
const COMMAND = /(?<![\w/.-]|npx )kn-lambda(?= [a-z-])/g;

/** By NO_COLOR's convention, and FORCE_COLOR's. `command`: by what the person calls this one. */
export function createTerminal(
  { out, err, in: input }: Streams,
  environment: NodeJS.ProcessEnv,
  command = 'kn-lambda',
): Terminal {
  const asCalled = (text: string): string => text.replaceAll(COMMAND, command);
  const coloured = (stream: Output): boolean =>
    !environment['NO_COLOR'] &&
    environment['TERM'] !== 'dumb' &&
    (stream.isTTY === true || !!environment['FORCE_COLOR']);
  const painter = (stream: Output) => (style: Style, text: string) =>
    coloured(stream) ? styleText(style, text, { validateStream: false }) : text;
  const line = (stream: Output, text: string): void => {
    stream.write(`${coloured(stream) ? safe(text) : printable(text)}\n`);
  };
  return {
    say: (text) => line(out, text),
    sayJson: (json) => out.write(`${printableJson(json)}\n`),
    note: (text = '') => line(err, asCalled(text)),
    asCalled,
    paint: painter(out),
    paintNote: painter(err),
    isInteractive: err.isTTY === true && input.isTTY === true,
    out,
    err,
  };
}

/** Text from elsewhere may be in it: every control character but our own styles is made harmless. */
function safe(text: string): string {
  return text
    .split(STYLES)
    .map((part, index) => (index % 2 === 1 ? part : printable(part)))
    .join('');
}
