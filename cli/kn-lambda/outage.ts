/** Tells that the platform is away, and that it is back. What breaks off for a moment is no news. */
import { Failure } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** As long as a gateway needs that wakes up again. */
const NO_NEWS_MS = 1000;

export interface Outage {
  /** A stream broke off, or could not be opened. */
  failed(error: unknown): void;
  works(): void;
}

/** As long as `openEvents` tries it. */
export const FOR_A_MINUTE = 'for a minute, then this ends with exit code 1';

/** In a line of its own. */
export function notedOutage(server: string, until: string, { note, paintNote }: Terminal): Outage {
  return createOutage(server, until, (told) => note(paintNote('yellow', told)));
}

/** `until`: how long it is tried again, for the sentence. */
export function createOutage(server: string, until: string, tell: (text: string) => void): Outage {
  let since: number | undefined;
  let isTold = false;
  return {
    failed: (error) => {
      since ??= performance.now();
      if (!isTold && performance.now() - since >= NO_NEWS_MS) {
        isTold = true;
        tell(`the connection is lost (${causeOf(error, server)}). ${whatToDo(server)} Trying again ${until}`);
      }
    },
    works: () => {
      if (isTold) {
        tell('the connection is there again');
      }
      since = undefined;
      isTold = false;
    },
  };
}

function causeOf(error: unknown, server: string): string {
  return error instanceof Failure ? error.message : `${server} ended it`;
}

function whatToDo(server: string): string {
  return isOfThisMachine(server)
    ? 'Is `make run` still running? What it had begun goes on when it runs again.'
    : 'Is there a network, and does the platform run?';
}

function isOfThisMachine(server: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(server).hostname);
}
