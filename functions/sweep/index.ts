/** Starts sweep with a real Kubernetes, S3 and Broker. */
import * as z from 'zod';
import { slotsOf } from '#shared/builds/admit.ts';
import { defineFunction } from '#shared/runtime/define-function.ts';
import { configFor } from '#shared/settings/select.ts';
import { sweepAndMark, sweepSecrets } from './handler.ts';
import { beginning, HISTORY_BOUNDS } from './history-place.ts';
import { createSweepMetrics } from './metrics.ts';

await defineFunction({
  name: 'sweep',
  config: configFor('sweep'),
  events: {
    // The PingSources say nothing but that it is time, and one of them for what.
    'dev.knative.sources.ping': z.unknown(),
  },
  // It says nothing but that it is time.
  unsigned: ['dev.knative.sources.ping'],
  dependencies: async (config) => {
    const [{ createObjectStore }, { createCluster }, { createBroker }] = await Promise.all([
      import('#shared/clients/s3.ts'),
      import('#shared/clients/kubernetes.ts'),
      import('#shared/clients/broker.ts'),
    ]);
    return {
      store: createObjectStore(config),
      cluster: createCluster(config),
      broker: createBroker(config),
      slots: slotsOf(config),
      temporaryBucket: config.TEMPORARY_BUCKET,
      settings: { namespace: config.NAMESPACE, delivery: config.FUNCTION_DELIVERY },
      history: { bounds: { days: config.HISTORY_DAYS, ...HISTORY_BOUNDS }, place: beginning() },
      metrics: createSweepMetrics(),
      now: () => new Date(),
    };
  },
  handle: ({ original }, deps, context) =>
    original['part'] === 'secrets' ? sweepSecrets(deps, context) : sweepAndMark(deps, context),
});
