/** What is waited for: on a terminal one line that lives, with the seconds; elsewhere a line for each news. */
import type { Terminal } from '#cli/kn-lambda/terminal.ts';
import { SECOND } from '#shared/durations.ts';
import { printableCell } from '#shared/printable.ts';

export interface Waiting {
  tell(text: string): void;
  /** Lines that stay. */
  note(text: string): void;
  end(): void;
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
const CLEAR_LINE = '\r\u001b[2K';

export function createWaiting(terminal: Terminal): Waiting {
  const { err, note, paintNote } = terminal;
  const columns = err.isTTY === true ? (err.columns ?? 0) : 0;
  const began = performance.now();
  let told = '';
  if (columns <= 20) {
    const tell = (text: string): void => {
      if (text !== told) {
        note(paintNote('dim', text));
      }
      told = text;
    };
    return { tell, note, end: () => {} };
  }
  let frame = 0;
  const timer = setInterval(() => {
    if (told !== '') {
      const seconds = Math.round((performance.now() - began) / SECOND);
      const [first = '', ...more] = told.split(': ');
      const line = [`${FRAMES[frame++ % FRAMES.length]} ${first}, ${seconds} s`, ...more].join(': ');
      err.write(CLEAR_LINE + paintNote('dim', printableCell(line).slice(0, columns - 1)));
    }
  }, FRAME_MS);
  return {
    tell: (text) => {
      told = text;
    },
    note: (text) => {
      err.write(CLEAR_LINE);
      note(text);
    },
    end: () => {
      clearInterval(timer);
      if (told !== '') {
        err.write(CLEAR_LINE);
      }
    },
  };
}
