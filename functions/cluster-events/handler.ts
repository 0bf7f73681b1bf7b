/** cluster-events: turns what Kubernetes says of Jobs and Knative Services into the events it means. Changes nothing. */
import * as z from 'zod';
import type { Cluster } from '#shared/clients/cluster.ts';
import type { NewEvent, ReceivedEvent } from '#shared/events/event.ts';
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
  cluster: Pick<Cluster, 'getJob' | 'listPods'>;
}

export async function handleClusterEvent(
  event: ReceivedEvent<ChangedObject>,
  { cluster }: ClusterEventsDependencies,
): Promise<NewEvent | undefined> {
  switch (`${event.data.apiVersion} ${event.data.kind}`) {
    case 'batch/v1 Job':
      return jobEnding(event.data, cluster);
    case 'serving.knative.dev/v1 Service':
      return functionReadiness(event.data);
    default:
      return undefined;
  }
}
