/** Lines for a person: coloured on a terminal, plain in a file, by NO_COLOR's convention. */
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import { printable } from '#shared/printable.ts';

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

/** What `paint` writes: the only escape codes that reach the terminal. */
const STYLES = new RegExp(`(${String.fromCharCode(27)}\\[(?:1|2|22|31|32|33|36|39)m)`);

export interface Terminal {
  /** Text from elsewhere may be in it: its control characters are made harmless. */
  line(text?: string): void;
  paint(style: Style, text: string): string;
}

export function createTerminal(stream: NodeJS.WritableStream, environment: NodeJS.ProcessEnv): Terminal {
  const coloured = (stream as Partial<WriteStream>).isTTY === true && !environment['NO_COLOR'];
  return {
    line: (text = '') => {
      const parts = coloured ? text.split(STYLES) : [text];
      // Every second part is a style.
      const safe = parts.map((part, index) => (index % 2 === 1 ? part : printable(part)));
      stream.write(`${safe.join('')}\n`);
    },
    // Whether to colour is decided above: styleText's own check looks at stdout, which may be another stream.
    paint: (style, text) => (coloured ? styleText(style, printable(text), { validateStream: false }) : text),
  };
}
