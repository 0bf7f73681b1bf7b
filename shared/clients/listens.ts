/** Whether anybody listens at an address: a TCP connection is opened, and closed without a byte. */
import { connect } from 'node:net';

const SECOND = 1000;

export type Listens = (url: string) => Promise<boolean>;

/**
 * False where the connection is refused, takes too long or has no host to go to. On a laptop, where the Broker itself is on loopback, names of the
 * cluster mean nothing to a process; there a name that is not found says nothing, and counts as true.
 */
export function createListens({ BROKER_URL }: { BROKER_URL: string }, within = 3 * SECOND): Listens {
  const knowsNames = new URL(BROKER_URL).hostname !== '127.0.0.1';
  return (url) => {
    if (!URL.canParse(url)) {
      return Promise.resolve(false);
    }
    const { protocol, hostname, port } = new URL(url);
    return new Promise((resolve) => {
      const host = hostname.replace(/^\[|\]$/g, '');
      const socket = connect({ host, port: Number(port) || (protocol === 'https:' ? 443 : 80), timeout: within });
      const end = (listens: boolean) => {
        socket.destroy();
        resolve(listens);
      };
      socket.once('connect', () => end(true));
      socket.once('timeout', () => end(false));
      socket.once('error', ({ code }: NodeJS.ErrnoException) =>
        end(!knowsNames && (code === 'ENOTFOUND' || code === 'EAI_AGAIN')),
      );
    });
  };
}
