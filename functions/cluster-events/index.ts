/** Starts cluster-events with a real Kubernetes. */
import { slotsOf } from '#shared/builds/admit.ts';
import { defineFunction } from '#shared/runtime/define-function.ts';
import { configFor } from '#shared/settings/select.ts';
import { changedObject } from './changed-object.ts';
import { handleClusterEvent } from './handler.ts';

await defineFunction({
  name: 'cluster-events',
  config: configFor('cluster-events'),
  events: {
    'dev.knative.apiserver.resource.add': changedObject,
    'dev.knative.apiserver.resource.update': changedObject,
    'dev.knative.apiserver.resource.delete': changedObject,
  },
  // Kubernetes signs nothing: what it says of an object is read again.
  unsigned: [
    'dev.knative.apiserver.resource.add',
    'dev.knative.apiserver.resource.update',
    'dev.knative.apiserver.resource.delete',
  ],
  dependencies: async (config) => {
    const { createCluster } = await import('#shared/clients/kubernetes.ts');
    return { cluster: createCluster(config), slots: slotsOf(config) };
  },
  handle: handleClusterEvent,
});
