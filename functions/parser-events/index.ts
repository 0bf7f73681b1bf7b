/** Starts parser-events with a real Kubernetes and S3, and calls functions over HTTP. */
import * as z from 'zod';
import { parserCompleteSchema, parserStartSchema } from '#shared/events/parser.ts';
import { createCrashes } from '#shared/history/crashes.ts';
import { createInputs } from '#shared/history/inputs.ts';
import { createCallNumbers } from '#shared/history/write-call-numbers.ts';
import { defineFunction } from '#shared/runtime/define-function.ts';
import { configFor } from '#shared/settings/select.ts';
import { createCallFunction } from './call-function.ts';
import { createKnownFunctions } from './find-function.ts';
import { handleParserEvent } from './handler.ts';
import { createCallMetrics, noteLostNumbers } from './metrics.ts';
import { withNumbers } from './numbers.ts';
import { createPatience } from './patience.ts';
import { createPlaces } from './places.ts';

await defineFunction({
  name: 'parser-events',
  config: configFor('parser-events'),
  // A call may take as long as the door's own requests, and Knative gives the pod that time.
  drainSeconds: 600,
  events: { 'parser.start': parserStartSchema, 'parser.deliver': z.unknown(), 'parser.complete': parserCompleteSchema },
  // The cold start passes while the function's own pod starts.
  wakes: ['build.complete'],
  dependencies: async (config) => {
    const [{ createObjectStore }, { createCluster }] = await Promise.all([
      import('#shared/clients/s3.ts'),
      import('#shared/clients/kubernetes.ts'),
    ]);
    const now = () => new Date();
    const store = createObjectStore(config);
    const bucket = config.TEMPORARY_BUCKET;
    const numbers = createCallNumbers({ store, bucket, now, onLost: noteLostNumbers });
    return {
      cluster: createCluster(config),
      store,
      temporaryBucket: bucket,
      known: createKnownFunctions(),
      call: createCallFunction(),
      places: createPlaces({ perTenant: config.CALL_PLACES_PER_TENANT }),
      patience: createPatience(now),
      metrics: withNumbers(
        createCallMetrics({
          functions: config.CALL_METRICS_FUNCTIONS,
          leaveOut: config.CALL_METRICS_LEAVE_OUT,
          now,
        }),
        numbers,
      ),
      numbers,
      inputs: createInputs(store, bucket),
      crashes: createCrashes(store, bucket),
      callSample: config.CALL_SAMPLE,
      now,
    };
  },
  close: async ({ numbers, inputs }) => {
    await Promise.all([numbers.flush(), inputs.idle()]);
  },
  handle: handleParserEvent,
});
