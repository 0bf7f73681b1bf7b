/** Releases a Job whose terminal event has been processed. */
import type { V1Job } from '@kubernetes/client-node';
import type { Cluster } from '#shared/clients/cluster.ts';
import { retryConflicts } from '#shared/clients/retry-conflicts.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { observedAt, PROCESSED_ANNOTATION, TERMINAL_EVENT_FINALIZER } from '#shared/specs/annotations.ts';
import { ADMISSION_LABEL } from '#shared/specs/labels.ts';
import { isFinished } from './job-state.ts';

/**
 * Removes our finalizer, and writes when that was. Does nothing where the Job or the finalizer is gone. `processed` is
 * the Job as it was when its end was processed. Where another request has joined it since, throws
 * RetryableError('JobJoined'): the end is then processed again, with the settings and the time of that request.
 */
export async function releaseJob(
  cluster: Pick<Cluster, 'getJob' | 'patchJob'>,
  processed: V1Job,
  now: Date,
): Promise<void> {
  const { name = '', uid } = processed.metadata ?? {};
  await retryConflicts(async () => {
    const job = await cluster.getJob(name);
    const finalizers = job?.metadata?.finalizers ?? [];
    if (!job || job.metadata?.uid !== uid || !finalizers.includes(TERMINAL_EVENT_FINALIZER)) {
      return;
    }
    if (observedAt(job) > observedAt(processed)) {
      throw new RetryableError('JobJoined', `Job ${name} was joined while its end was processed`, { retryAfter: 1 });
    }
    // A merge patch replaces the whole list of finalizers, in which others (foregroundDeletion) come and go. So it
    // names the resourceVersion.
    const others = finalizers.filter((finalizer) => finalizer !== TERMINAL_EVENT_FINALIZER);
    const resourceVersion = job.metadata?.resourceVersion;
    const annotations = { [PROCESSED_ANNOTATION]: now.toISOString() };
    // A Job whose sidecar still runs is not finished: it keeps its label, and with it its slot.
    const labels = isFinished(job) ? { [ADMISSION_LABEL]: null } : {};
    await cluster.patchJob(name, { metadata: { resourceVersion, finalizers: others, annotations, labels } });
  });
}
