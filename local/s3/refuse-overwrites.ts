/** `If-None-Match: *` of a PUT, which fauxqs does not know. */
import type { buildApp } from 'fauxqs';
import type { S3Store } from './object-files.ts';

const EXISTS = `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>PreconditionFailed</Code><Message>At least one of the pre-conditions you specified did not hold</Message><Condition>If-None-Match</Condition></Error>`;

/** 412 where there is such an object. The body is read by now, and fauxqs stores it in the same turn: nobody comes in between. */
export function refuseOverwrites(app: ReturnType<typeof buildApp>, store: S3Store): void {
  app.addHook('preHandler', (request, reply, done) => {
    const { bucket = '', '*': key = '' } = request.params as { bucket?: string; '*'?: string };
    if (request.method === 'PUT' && request.headers['if-none-match'] === '*' && has(store, bucket, key)) {
      void reply.code(412).header('content-type', 'application/xml').send(EXISTS);
      return;
    }
    done();
  });
}

function has(store: S3Store, bucket: string, key: string): boolean {
  try {
    return store.headObject(bucket, key) !== undefined;
  } catch {
    // NoSuchKey, NoSuchBucket: fauxqs answers for itself.
    return false;
  }
}
