/** Starts recorder with a real S3. */
import * as z from 'zod';
import { createFeed } from '#shared/history/feed.ts';
import { defineFunction } from '#shared/runtime/define-function.ts';
import { configFor } from '#shared/settings/select.ts';
import { recorder } from './handler.ts';
import { createBuildMetrics } from './metrics.ts';

await defineFunction({
  name: 'recorder',
  config: configFor('recorder'),
  events: { '*': z.unknown() },
  // From build pods, which hold no key: the handler does not believe them.
  unsigned: ['build.complete'],
  dependencies: async (config) => {
    const { createObjectStore } = await import('#shared/clients/s3.ts');
    const store = createObjectStore(config);
    const now = () => new Date();
    return {
      store,
      temporaryBucket: config.TEMPORARY_BUCKET,
      feed: createFeed(store, config.TEMPORARY_BUCKET, now),
      authentication: config.AUTHENTICATION,
      metrics: createBuildMetrics(),
      now,
    };
  },
  handle: recorder,
});
