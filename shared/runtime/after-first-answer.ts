/** Postpones slow work until a server has answered its first request. */
import type { Server, ServerResponse } from 'node:http';

/** A server that gets no request starts the work after this time. */
const WITHOUT_REQUEST_MS = 100;

/** Runs `work` once: when the first answer has been sent, or soon after the start if no request comes. */
export function afterFirstAnswer(server: Server, work: () => void): void {
  let started = false;
  const start = () => {
    clearTimeout(timer);
    server.removeListener('request', onRequest);
    if (!started) {
      started = true;
      work();
    }
  };
  const timer = setTimeout(start, WITHOUT_REQUEST_MS);
  const onRequest = (_: unknown, response: ServerResponse) => {
    response.once('close', () => setImmediate(start));
  };
  server.on('request', onRequest);
}
