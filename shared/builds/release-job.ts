/** Lets go of a Job whose terminal event has been processed. */
import type { V1Job } from '@kubernetes/client-node';
import type { Cluster } from '#shared/clients/cluster.ts';
import { retryConflicts } from '#shared/clients/retry-conflicts.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { observedAt, PROCESSED_ANNOTATION, TERMINAL_EVENT_FINALIZER } from '#shared/specs/annotations.ts';
import { ADMISSION_LABEL } from '#shared/specs/labels.ts';
import { isFinished } from './job-state.ts';

/**
 * Removes our finalizer, and writes when that was. A Job that is gone, or whose finalizer is, has been let go of already. `processed` is the Job as
 * its end was processed: where another request has joined it since, the end is to be processed once more, with that one's settings and time.
 */
export async function releaseJob(cluster: Cluster, processed: V1Job, now: Date): Promise<void> {
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
    // A merge patch replaces the whole list, so it names the version it was read at: others (foregroundDeletion) come and go in it.
    const others = finalizers.filter((finalizer) => finalizer !== TERMINAL_EVENT_FINALIZER);
    const resourceVersion = job.metadata?.resourceVersion;
    const annotations = { [PROCESSED_ANNOTATION]: now.toISOString() };
    // One that is not finished yet, its sidecar ending, keeps its slot with its label.
    const labels = isFinished(job) ? { [ADMISSION_LABEL]: null } : {};
    await cluster.patchJob(name, { metadata: { resourceVersion, finalizers: others, annotations, labels } });
  });
}
