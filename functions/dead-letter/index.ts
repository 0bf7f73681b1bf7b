/** Starts dead-letter with a real S3. */
import * as z from 'zod';
import { s3Fields, temporaryBucketFields } from '#shared/function/config.ts';
import { defineFunction } from '#shared/function/define-function.ts';
import { keepDeadLetter } from './handler.ts';

await defineFunction({
  name: 'dead-letter',
  config: z.object({ ...s3Fields, ...temporaryBucketFields }),
  events: { '*': z.unknown() },
  dependencies: async (config) => {
    const { createObjectStore } = await import('#shared/clients/s3.ts');
    return { store: createObjectStore(config), temporaryBucket: config.TEMPORARY_BUCKET, now: () => new Date() };
  },
  handle: keepDeadLetter,
});
