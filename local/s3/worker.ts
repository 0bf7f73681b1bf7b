/** S3 in a thread of its own: hashing 100 MB must not stop the broker, and a thread cannot outlive the platform. */
import { parentPort, workerData } from 'node:worker_threads';
import { listen } from './server.ts';

try {
  const server = await listen(workerData);
  parentPort?.postMessage({ port: server.port });
  parentPort?.once('message', () => void server.close().then(() => process.exit(0)));
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  parentPort?.postMessage({ failure: { code, message } });
}
