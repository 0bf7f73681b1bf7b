/** Downloads one context archive from S3, logs the progress, and checks that it is complete. Outlasts a pause of S3. */
import { Transform } from 'node:stream';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import { retry } from './retry.ts';

const MB = 1_000_000;
/** Bytes between two lines of progress. */
const STEP = 25 * MB;

export interface ContextAddress {
  bucket: string;
  key: string;
  /** The size of the archive, as job.start says. */
  bytes: number;
}

export interface Fetching {
  store: Pick<ObjectStore, 'open'>;
  /** May be called again, and then begins anew. */
  save: (body: NodeJS.ReadableStream) => Promise<void>;
  log: (line: string) => void;
}

/** Throws PermanentError, or RetryableError where S3 has not given it before `signal` was aborted. */
export async function fetchContext(deps: Fetching, address: ContextAddress, signal: AbortSignal): Promise<void> {
  await retry(
    () => fetchOnce(deps, address),
    signal,
    (reason) => deps.log(`${reason}; trying again`),
  );
}

async function fetchOnce({ store, save, log }: Fetching, { bucket, key, bytes }: ContextAddress): Promise<void> {
  const found = await store.open(bucket, key);
  if (!found) {
    throw new PermanentError(
      'NoSource',
      `there is no s3://${bucket}/${key}: send build.start again, which packs the source anew`,
    );
  }
  log(`fetching s3://${bucket}/${key}, ${(found.size / MB).toFixed(1)} MB`);
  let received = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const steps = Math.floor(received / STEP);
      received += chunk.length;
      if (Math.floor(received / STEP) > steps) {
        log(`${(received / MB).toFixed(0)} of ${(found.size / MB).toFixed(0)} MB`);
      }
      done(null, chunk);
    },
  });
  found.body.on('error', (error) => counter.destroy(error));
  let failure: Error | undefined;
  await save(found.body.pipe(counter)).catch((error) => {
    failure = error;
  });
  // Half an archive cannot be decompressed either: that it is half is the cause.
  const isClassified = failure instanceof RetryableError || failure instanceof PermanentError;
  if (received < found.size && !isClassified) {
    throw new RetryableError('Unavailable', `s3://${bucket}/${key} broke off after ${received} of ${found.size} bytes`);
  }
  if (failure) {
    throw failure;
  }
  if (received !== bytes) {
    throw new PermanentError(
      'BuildFailed',
      `s3://${bucket}/${key} has ${received} bytes, not ${bytes}: send build.start again, which packs the source anew`,
    );
  }
  log('fetched');
}
