/** cluster-events: turns what Kubernetes says of Jobs and Knative Services into the events it means. A build that has ended makes room for the next. */
import * as z from 'zod';
import type { Slots } from '#shared/build/admit.ts';
import type { Cluster } from '#shared/clients/cluster.ts';
import type { NewEvent, ReceivedEvent } from '#shared/events/event.ts';
import type { HandlerContext } from '#shared/function/types.ts';
import { admitNext } from './admit-next.ts';
import { functionReadiness } from './function-readiness.ts';
import { jobEnding } from './job-ending.ts';

// One problem for a whole list: an event of a million numbers for finalizers would otherwise make a million of them.
const strings = z.custom<string[]>(
  (value) => Array.isArray(value) && value.every(isString),
  'must be a list of strings',
);
const stringMap = z.custom<Record<string, string>>(
  (value) => typeof value === 'object' && value !== null && Object.values(value).every(isString),
  'must be an object of strings',
);

function isString(value: unknown): boolean {
  return typeof value === 'string';
}

/** The object as ApiServerSource sends it: whole, as the API shows it. */
export const changedObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    uid: z.string(),
    deletionTimestamp: z.string().optional(),
    finalizers: strings.optional(),
    labels: stringMap.optional(),
    annotations: stringMap.optional(),
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
