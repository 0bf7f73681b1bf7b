/** Whether an address is listening: opens a TCP connection and closes it without sending anything. */
import { connect } from 'node:net';
import { SECOND } from '#shared/durations.ts';

export type Listens = (url: string) => Promise<boolean>;

/**
 * False where the connection is refused or times out, and on a cluster also where the host's name is unknown. On a
 * laptop the Broker is on loopback and no name of the cluster can be resolved: there an unknown name counts as true.
 */
export function createListens({ BROKER_URL }: { BROKER_URL: string }, within = 3 * SECOND): Listens {
  const resolvesNames = new URL(BROKER_URL).hostname !== '127.0.0.1';
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
        end(!resolvesNames && (code === 'ENOTFOUND' || code === 'EAI_AGAIN')),
      );
    });
  };
}
