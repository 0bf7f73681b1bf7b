/** Loopback ports for pods: the embedded platform's stand-in for an address per pod. */
import { createServer } from 'node:net';

/**
 * Below the ephemeral ranges of Linux (32768–60999) and macOS (49152–65535). A port out of those, free now, may be
 * taken by any outgoing connection of the machine before the pod listens; these are taken by listeners alone.
 */
const FIRST = 20_000;
const LAST = 31_999;
const ATTEMPTS = 200;

/** Given to a pod of this process and not yet returned. Without it two pods starting together could get one port. */
const given = new Set<number>();

export async function takePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (given.has(port)) {
      continue;
    }
    given.add(port);
    if (await isFree(port)) {
      return port;
    }
    given.delete(port);
  }
  throw new Error(`no free port between ${FIRST} and ${LAST} on 127.0.0.1: end some of the listeners there`);
}

export function returnPort(port: number): void {
  given.delete(port);
}

/** On all addresses, as most programs listen. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
