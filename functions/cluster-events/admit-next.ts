/** A Job that is finished or gone has left its slot: the next build may run. */
import type { Logger } from 'pino';
import { admit } from '#shared/builds/admit.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import { isManaged } from '#shared/specs/labels.ts';
import type { ChangedObject } from './changed-object.ts';
import type { ClusterEventsDependencies } from './dependencies.ts';
import { hasFinished } from './job-ending.ts';

/** Where there is an end to tell, that must not wait for this: sweep admits as well. */
export async function admitNext(
  { type, data }: ReceivedEvent<ChangedObject>,
  { cluster, slots }: ClusterEventsDependencies,
  hasReply: boolean,
  log: Logger,
): Promise<void> {
  const isGone = type === 'dev.knative.apiserver.resource.delete';
  if (!slots || !isManaged(data) || !(isGone || hasFinished(data))) {
    return;
  }
  try {
    await admit(cluster, slots);
  } catch (error) {
    if (!hasReply) {
      throw error;
    }
    log.warn({ err: error }, 'waiting builds are left to sweep');
  }
}
