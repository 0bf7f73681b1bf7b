/** Starts build-complete with a real Kubernetes and S3. */
import { buildCompleteSchema } from '#shared/events/build-complete.ts';
import { defineFunction } from '#shared/runtime/define-function.ts';
import { configFor } from '#shared/settings/select.ts';
import { buildComplete } from './handler.ts';

await defineFunction({
  name: 'build-complete',
  config: configFor('build-complete'),
  events: { 'build.complete': buildCompleteSchema },
  // The cold start passes while build-start puts an image together, or Kaniko works.
  wakes: ['lifecycle.build.started', 'build.start'],
  // A build pod holds no key: what it says counts where its Job says the same.
  unsigned: ['build.complete'],
  dependencies: async (config) => {
    const [{ createObjectStore }, { createCluster }] = await Promise.all([
      import('#shared/clients/s3.ts'),
      import('#shared/clients/kubernetes.ts'),
    ]);
    return {
      store: createObjectStore(config),
      cluster: createCluster(config),
      temporaryBucket: config.TEMPORARY_BUCKET,
      imageRegistry: config.IMAGE_REGISTRY,
      settings: {
        namespace: config.NAMESPACE,
        progressDeadline: config.FUNCTION_PROGRESS_DEADLINE,
        delivery: config.FUNCTION_DELIVERY,
      },
      tenantLimits: { functions: config.MAX_TENANT_FUNCTIONS, minPods: config.MAX_TENANT_MIN_PODS },
      now: () => new Date(),
    };
  },
  handle: buildComplete,
});
