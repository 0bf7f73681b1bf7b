/** Starts build-start with a real S3. */
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { buildStartSchema } from '#shared/events/build-start.ts';
import { defineFunction } from '#shared/runtime/define-function.ts';
import {
  baseImageFields,
  registryFields,
  s3Fields,
  sourceFields,
  temporaryBucketFields,
} from '#shared/settings/fields.ts';
import { adaptersDirectory } from './adapters-directory.ts';
import { buildStart } from './handler.ts';
import { createPacking } from './packing.ts';

await defineFunction({
  name: 'build-start',
  config: z.object({
    ...s3Fields,
    ...temporaryBucketFields,
    ...sourceFields,
    ...registryFields,
    ...baseImageFields,
  }),
  events: { 'build.start': buildStartSchema },
  dependencies: async (config) => {
    const { createObjectStore } = await import('#shared/clients/s3.ts');
    return {
      store: createObjectStore(config),
      settings: {
        maxBytes: config.MAX_SOURCE_BYTES,
        maxFiles: config.MAX_SOURCE_FILES,
        baseImages: {
          python: config.BASE_IMAGE_PYTHON,
          node: config.BASE_IMAGE_NODE,
          go: config.BASE_IMAGE_GO,
          static: config.BASE_IMAGE_STATIC,
        },
        temporaryBucket: config.TEMPORARY_BUCKET,
        adapters: adaptersDirectory(),
      },
      sourceBucket: config.SOURCE_BUCKET,
      sourceBuckets: config.SOURCE_BUCKETS ?? [],
      imageRegistry: config.IMAGE_REGISTRY,
      attemptId: randomUUID,
      pack: createPacking(),
    };
  },
  handle: buildStart,
});
