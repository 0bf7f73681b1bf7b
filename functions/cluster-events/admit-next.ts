/** Admits the next build when a Job is finished or gone, and has left its slot. */
import type { Logger } from 'pino';
import { admit } from '#shared/builds/admit.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import { isManaged } from '#shared/specs/labels.ts';
import type { ChangedObject } from './changed-object.ts';
import type { ClusterEventsDependencies } from './dependencies.ts';
import { hasFinished } from './job-ending.ts';

/** A failure must not hold back the terminal event, where there is one: sweep admits builds as well. */
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
