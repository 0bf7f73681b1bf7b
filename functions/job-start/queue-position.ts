/** Where a build stands once its Job is there: it runs, or how many go before it. */
import { isWaiting, nextBuilds } from '#shared/builds/admission.ts';
import { admit, type Slots } from '#shared/builds/admit.ts';
import type { Cluster } from '#shared/clients/cluster.ts';
import type { BuildStarted } from '#shared/events/lifecycle.ts';
import { admissionSelector } from '#shared/specs/labels.ts';

/** Lets run what may; `slots` is undefined where Kueue decides, whose line is its own to tell. */
export async function queuePosition(
  cluster: Cluster,
  name: string,
  slots: Slots | undefined,
): Promise<Pick<BuildStarted, 'state' | 'queue_position'>> {
  if (slots) {
    await admit(cluster, slots);
  }
  const job = await cluster.getJob(name);
  if (!job?.spec?.suspend) {
    return { state: 'started' };
  }
  if (!slots) {
    return { state: 'queued' };
  }
  const waiting = (await cluster.listJobMetadata(admissionSelector('waiting'))).filter(isWaiting);
  const running = await cluster.listJobMetadata(admissionSelector('admitted'));
  const position = nextBuilds(waiting, running).findIndex(({ metadata }) => metadata?.name === name) + 1;
  return position > 0 ? { state: 'queued', queue_position: position } : { state: 'queued' };
}
