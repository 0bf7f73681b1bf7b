/** Starts service-delete with a real Kubernetes and S3. */
import { serviceDeleteSchema } from '#shared/events/service-delete.ts';
import { defineFunction } from '#shared/runtime/define-function.ts';
import { configFor } from '#shared/settings/select.ts';
import { serviceDelete } from './handler.ts';

await defineFunction({
  name: 'service-delete',
  config: configFor('service-delete'),
  events: { 'service.delete': serviceDeleteSchema },
  dependencies: async (config) => {
    const [{ createObjectStore }, { createCluster }] = await Promise.all([
      import('#shared/clients/s3.ts'),
      import('#shared/clients/kubernetes.ts'),
    ]);
    return {
      store: createObjectStore(config),
      cluster: createCluster(config),
      temporaryBucket: config.TEMPORARY_BUCKET,
    };
  },
  handle: serviceDelete,
});
