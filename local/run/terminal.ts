/** Lines for a person: coloured on a terminal, plain in a file, by NO_COLOR's convention. */
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

export interface Terminal {
  line(text?: string): void;
  paint(style: Style, text: string): string;
}

export function createTerminal(stream: NodeJS.WritableStream, environment: NodeJS.ProcessEnv): Terminal {
  const coloured = (stream as Partial<WriteStream>).isTTY === true && !environment['NO_COLOR'];
  return {
    line: (text = '') => void stream.write(`${text}\n`),
    // Whether to colour is decided above: styleText's own check looks at stdout, which may be another stream.
    paint: (style, text) => (coloured ? styleText(style, text, { validateStream: false }) : text),
  };
}
