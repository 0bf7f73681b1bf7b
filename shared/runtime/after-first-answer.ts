/** Puts off what can wait until a server has answered somebody. */
import type { Server, ServerResponse } from 'node:http';

/** How long a server that nobody asks waits. */
const UNASKED_MS = 100;

/** Runs `work` once. */
export function afterFirstAnswer(server: Server, work: () => void): void {
  let begun = false;
  const begin = () => {
    clearTimeout(timer);
    server.removeListener('request', onRequest);
    if (!begun) {
      begun = true;
      work();
    }
  };
  const timer = setTimeout(begin, UNASKED_MS);
  const onRequest = (_: unknown, response: ServerResponse) => {
    response.once('close', () => setImmediate(begin));
  };
  server.on('request', onRequest);
}
