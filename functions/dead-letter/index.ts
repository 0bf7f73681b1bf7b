/** Starts dead-letter with a real S3 and Broker. */
import * as z from 'zod';
import { defineFunction } from '#shared/runtime/define-function.ts';
import { configFor } from '#shared/settings/select.ts';
import { handleDeadLetter } from './handler.ts';
import { createLetterMetrics } from './metrics.ts';

await defineFunction({
  name: 'dead-letter',
  config: configFor('dead-letter'),
  events: { '*': z.unknown() },
  // A dead letter is kept whoever sent it.
  unsigned: ['*'],
  dependencies: async (config) => {
    const [{ createObjectStore }, { createBroker }, { createListens }] = await Promise.all([
      import('#shared/clients/s3.ts'),
      import('#shared/clients/broker.ts'),
      import('#shared/clients/listens.ts'),
    ]);
    return {
      store: createObjectStore(config),
      broker: createBroker(config),
      listens: createListens(config),
      temporaryBucket: config.TEMPORARY_BUCKET,
      kept: createLetterMetrics(),
      now: () => new Date(),
    };
  },
  handle: handleDeadLetter,
});
