/** Starts dead-letter-replay with a real S3 and Broker. */
import { setTimeout as sleep } from 'node:timers/promises';
import { deadLetterPurgeSchema, deadLetterReplaySchema } from '#shared/events/dead-letter.ts';
import { defineFunction } from '#shared/runtime/define-function.ts';
import { configFor } from '#shared/settings/select.ts';
import { replayOrPurge } from './handler.ts';

await defineFunction({
  name: 'dead-letter-replay',
  config: configFor('dead-letter-replay'),
  events: { 'dead-letter.replay': deadLetterReplaySchema, 'dead-letter.purge': deadLetterPurgeSchema },
  dependencies: async (config) => {
    const [{ createObjectStore }, { createBroker }, { createLetterBox }] = await Promise.all([
      import('#shared/clients/s3.ts'),
      import('#shared/clients/broker.ts'),
      import('#shared/dead-letters/letter-box.ts'),
    ]);
    return {
      box: createLetterBox(createObjectStore(config), config.TEMPORARY_BUCKET),
      broker: createBroker(config),
      now: () => new Date(),
      sleep: (milliseconds: number) => sleep(milliseconds),
    };
  },
  handle: replayOrPurge,
});
