/**
 * A registry of images for the embedded platform, on the loopback interface: the OCI distribution API as far as images
 * are put together and looked at with it. It answers for every registry: containerd's `?ns=` says which one is meant.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerRequest } from './answer-request.ts';
import { ContentStore } from './content-store.ts';
import { Uploads } from './uploads.ts';

export interface Registry {
  url: string;
  close(): Promise<void>;
}

/** Longer than clients keep idle connections: else one is closed just when it is used again. */
const KEEP_ALIVE_MS = 72_000;

/** `directory` is the platform's. Port 0: any free one. */
export async function startRegistry(settings: { directory: string; port?: number }): Promise<Registry> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 });
  server.listen(settings.port ?? 0, '127.0.0.1');
  // Rejects where the port is taken, before anything of the directory is touched.
  await once(server, 'listening');
  const contents = new ContentStore(settings.directory);
  contents.removeUploads();
  const uploads = new Uploads(contents);
  server.on('request', (request, response) => void answerRequest(contents, uploads, request, response));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
