/** S3 for the embedded platform: any credentials, path style, on the loopback interface; what is in it outlives the process. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface S3 {
  url: string;
  close(): Promise<void>;
}

/** `directory` is for the objects; one that has some already is served with them. Port 0: any free one. */
export async function startS3(settings: { directory: string; port?: number; buckets: string[] }): Promise<S3> {
  const worker = new Worker(new URL('./s3/worker.ts', import.meta.url), {
    workerData: { ...settings, port: settings.port ?? 0 },
    // What the process was started with (a test runner's loader, say) is not meant for it.
    execArgv: [],
  });
  const [answer] = (await once(worker, 'message')) as [{ port?: number; failure?: { code: string; message: string } }];
  if (answer.port === undefined) {
    await worker.terminate();
    throw Object.assign(new Error(`S3 did not start: ${answer.failure?.message}`), { code: answer.failure?.code });
  }
  return {
    url: `http://127.0.0.1:${answer.port}`,
    close: async () => {
      const exit = once(worker, 'exit');
      worker.postMessage('close');
      await exit;
    },
  };
}
