/** Whether a build runs, or how many builds are admitted before it. */
import { isWaiting, nextBuilds } from '#shared/builds/admission.ts';
import type { Slots } from '#shared/builds/admit.ts';
import type { Cluster } from '#shared/clients/cluster.ts';
import type { BuildStarted } from '#shared/events/lifecycle.ts';
import { admissionSelector } from '#shared/specs/labels.ts';

/** `slots` is undefined where Kueue decides. Its queue is not visible here, so no position is told. */
export async function queuePosition(
  cluster: Pick<Cluster, 'getJob' | 'listJobMetadata'>,
  name: string,
  slots: Slots | undefined,
): Promise<Pick<BuildStarted, 'state' | 'queue_position'>> {
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
