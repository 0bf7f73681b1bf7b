/** A function to be started as a process: data.does says what its handler does. */
import * as z from 'zod';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import { identityFields } from '#shared/events/identity.ts';
import { defineFunction } from '#shared/runtime/define-function.ts';

const schema = z.object({ ...identityFields, does: z.string().default('reply'), milliseconds: z.number().default(0) });

await defineFunction({
  name: 'demo',
  config: z.object({ GREETING: z.string().default('hello'), COUNT: z.coerce.number().int().default(1) }),
  events: { 'demo.start': schema },
  dependencies: (config) => config,
  close: async ({ GREETING }) => {
    process.stdout.write(`${JSON.stringify({ msg: 'closed', greeting: GREETING })}\n`);
    // Whatever it waits for, the process ends in time.
    await new Promise(() => {});
  },
  handle: async ({ data }, { GREETING }, { log }) => {
    await new Promise((resolve) => setTimeout(resolve, data.milliseconds));
    switch (data.does) {
      case 'nothing':
        return undefined;
      case 'permanent':
        throw new PermanentError('NoSource', 'there is no source');
      case 'retry':
        throw new RetryableError('Unavailable', 'S3 is down');
      case 'crash':
        setImmediate(() => {
          throw new Error('nobody caught this');
        });
        return undefined;
      case 'reject':
        void Promise.reject(new Error('nobody awaited this'));
        return undefined;
      default:
        log.info('greeting');
        return { type: 'demo.done', data: { greeting: GREETING } } as never;
    }
  },
});
