/** cluster-events: turns what Kubernetes says of Jobs and Knative Services into the events it means. A build that has ended makes room for the next. */
import * as z from 'zod';
import type { Slots } from '#shared/build/admit.ts';
import type { Cluster } from '#shared/clients/cluster.ts';
import type { NewEvent, ReceivedEvent } from '#shared/events/event.ts';
import type { HandlerContext } from '#shared/function/types.ts';
import { admitNext } from './admit-next.ts';
import { functionReadiness } from './function-readiness.ts';
import { jobEnding } from './job-ending.ts';

/** The object as ApiServerSource sends it: whole, as the API shows it. */
export const changedObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    uid: z.string(),
    deletionTimestamp: z.string().optional(),
    finalizers: z.array(z.string()).optional(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.unknown().optional(),
  status: z.unknown().optional(),
});

export type ChangedObject = z.infer<typeof changedObject>;

export interface ClusterEventsDependencies {
  cluster: Pick<
    Cluster,
    'getJob' | 'listJobs' | 'listJobMetadata' | 'patchJob' | 'listPods' | 'getLease' | 'replaceLease'
  >;
  /** Undefined where Kueue decides which builds run. */
  slots: Slots | undefined;
}

export async function handleClusterEvent(
  event: ReceivedEvent<ChangedObject>,
  deps: ClusterEventsDependencies,
  { log }: Pick<HandlerContext, 'log'>,
): Promise<NewEvent | undefined> {
  switch (`${event.data.apiVersion} ${event.data.kind}`) {
    case 'batch/v1 Job': {
      const ending = await jobEnding(event.data, deps.cluster);
      await admitNext(event, deps, ending !== undefined, log);
      return ending;
    }
    case 'serving.knative.dev/v1 Service':
      return functionReadiness(event.data);
    default:
      return undefined;
  }
}
