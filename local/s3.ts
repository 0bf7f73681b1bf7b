/**
 * S3 for the embedded platform: any credentials, path style, on the loopback interface; what is in it outlives the
 * process.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerRequest } from './s3/answer-request.ts';
import { ObjectFiles } from './s3/object-files.ts';
import type { Upload } from './s3/operations.ts';

export interface S3 {
  url: string;
  close(): Promise<void>;
}

/** Longer than clients keep idle connections: else one is closed just when it is used again. */
const KEEP_ALIVE_MS = 72_000;

/** `directory` is for the objects; one that has some already is served with them. Port 0: any free one. */
export async function startS3(settings: { directory: string; port?: number; buckets: string[] }): Promise<S3> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 });
  server.listen(settings.port ?? 0, '127.0.0.1');
  // Rejects where the port is taken, before anything of the directory is read.
  await once(server, 'listening');
  const files = new ObjectFiles(settings.directory);
  for (const bucket of settings.buckets) {
    files.createBucket(bucket);
  }
  const uploads = new Map<string, Upload>();
  server.on('request', (request, response) => void answerRequest(files, uploads, request, response));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      files.close();
    },
  };
}
