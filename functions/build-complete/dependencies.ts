/** What build-complete works with. Types only: index.ts makes the real ones, tests and the simulator their own. */
import type { Cluster } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import type { FunctionSettings } from '#shared/specs/knative-service.ts';

export interface BuildCompleteDependencies {
  store: ObjectStore;
  cluster: Cluster;
  temporaryBucket: string;
  imageRegistry: string;
  settings: FunctionSettings;
  now: () => Date;
}

export type BuildCompleteEvent = ReceivedEvent<BuildComplete>;
