/**
 * Events of Kubernetes: reports builds that have ended and functions that became ready or failed, and admits the next
 * build.
 */
import type { NewEvent, ReceivedEvent } from '#shared/events/event.ts';
import type { HandlerContext } from '#shared/runtime/types.ts';
import { admitNext } from './admit-next.ts';
import type { ChangedObject } from './changed-object.ts';
import type { ClusterEventsDependencies } from './dependencies.ts';
import { confirmedReadiness, type ReadinessEvent } from './function-readiness.ts';
import { jobEnding } from './job-ending.ts';

export async function handleClusterEvent(
  event: ReceivedEvent<ChangedObject>,
  deps: ClusterEventsDependencies,
  { log }: Pick<HandlerContext, 'log'>,
): Promise<NewEvent<'build.complete' | ReadinessEvent> | undefined> {
  switch (`${event.data.apiVersion} ${event.data.kind}`) {
    case 'batch/v1 Job': {
      const ending = await jobEnding(event.data, deps.cluster);
      await admitNext(event, deps, ending !== undefined, log);
      return ending;
    }
    case 'serving.knative.dev/v1 Service':
      return await confirmedReadiness(event.data, deps.cluster);
    default:
      return undefined;
  }
}
