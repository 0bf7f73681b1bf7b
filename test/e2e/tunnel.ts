/** Addresses on this machine that lead into the cluster. */
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

export type Dial = () => Promise<Duplex>;

export interface Tunnel {
  url: string;
  close(): Promise<void>;
}

const ATTEMPTS = 10;

/** Every connection to `url` gets one of its own by `dial`. */
export async function openTunnel(dial: Dial): Promise<Tunnel> {
  const sockets = new Set<Socket>();
  const server = createServer(async (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    try {
      const remote = await persistently(dial);
      // Whichever side breaks off takes the other with it; whoever called sees a closed connection.
      pipeline(socket, remote, socket, () => remote.destroy());
    } catch {
      socket.destroy();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) {
        socket.destroy();
      }
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * The API server, or the way to it, may be away for a moment. Nothing has been sent yet, so trying again repeats
 * nothing.
 */
async function persistently(dial: Dial): Promise<Duplex> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await dial();
    } catch (error) {
      if (attempt === ATTEMPTS) {
        throw error;
      }
      await sleep(200 * attempt);
    }
  }
}

/** To `host:port` as the probe behind `dial` sees it. */
export function through(dial: Dial, target: string): Dial {
  return async () => {
    const carrier = await dial();
    return new Promise<Duplex>((resolve, reject) => {
      const call = request({ method: 'CONNECT', path: target, createConnection: () => carrier });
      call.once('connect', (response, socket) => {
        if (response.statusCode === 200) {
          resolve(socket);
        } else {
          reject(new Error(`no way to ${target}: ${response.statusCode}`));
        }
      });
      call.once('error', (error) => {
        carrier.destroy();
        reject(error);
      });
      call.end();
    });
  };
}
