/** Admits waiting builds, as many as there are slots in the whole cluster, however many processes do so at once. */
import type { V1Job, V1Lease } from '@kubernetes/client-node';
import * as z from 'zod';
import type { Cluster } from '#shared/clients/cluster.ts';
import { retryConflicts } from '#shared/clients/retry-conflicts.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { ADMISSION_LABEL, admissionSelector } from '#shared/specs/labels.ts';
import { holdsSlot, isWaiting, nextBuilds } from './admission.ts';
import { awaitsTerminalEvent, isFinished } from './job-state.ts';

/** In the builds namespace, created with the other manifests. */
const LEASE = 'admission';
const GRANTED_ANNOTATION = 'knative-lambda/granted';

const grantsSchema = z.array(z.object({ name: z.string(), uid: z.string() }));
type Grant = z.infer<typeof grantsSchema>[number];

/** Each attempt that loses the compare-and-swap has lost it to another decision, so something has been decided. */
const ATTEMPTS = 10;

export interface Slots {
  /** How many builds may run at once. */
  limit: number;
}

/** Undefined where Kueue decides. */
export function slotsOf(config: { ADMISSION: 'lease' | 'kueue'; MAX_CONCURRENT_BUILDS: number }): Slots | undefined {
  return config.ADMISSION === 'lease' ? { limit: config.MAX_CONCURRENT_BUILDS } : undefined;
}

type AdmittingCluster = Pick<
  Cluster,
  'getJob' | 'listJobs' | 'listJobMetadata' | 'patchJob' | 'getLease' | 'replaceLease'
>;

/**
 * Decisions are serialized by a compare-and-swap of the Lease: each writes its grants there. After that any process may
 * carry them out:
 *
 *      A:  ─┼ read Lease ─┼ list Jobs ─┼ write: grants x ─▶ ok ──┼ unsuspend x ─▶
 *      B:  ───┼ read Lease ──┼ list Jobs ──────┼ write ─▶ 409 ──┼ read again: x is granted
 *
 * If A crashes before it unsuspends x, the grant stays in the Lease and counts as running. The next process that admits
 * unsuspends x.
 *
 * Returns the names of the builds that were admitted. Throws RetryableError('Conflict') where the Lease changes all the
 * time.
 */
export async function admit(cluster: AdmittingCluster, { limit }: Slots): Promise<string[]> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const granted = await decide(cluster, limit);
    if (granted) {
      for (const grant of granted) {
        await unsuspend(cluster, grant);
      }
      return granted.map(({ name }) => name);
    }
  }
  throw new RetryableError('Conflict', `Lease ${LEASE} changes with every look at it`, { retryAfter: 1 });
}

/**
 * The grants, old and new, whose Jobs do not run yet. Undefined where another process has changed the Lease in between.
 */
async function decide(cluster: AdmittingCluster, limit: number): Promise<Grant[] | undefined> {
  const lease = await readLease(cluster);
  // Most often all slots are taken. The short list alone shows that.
  if ((await listAdmitted(cluster)).length >= limit) {
    return [];
  }
  // The waiting builds are listed first: one that is admitted between the two lists is then in both, not in neither.
  const waiting = (await cluster.listJobMetadata(admissionSelector('waiting'))).filter(isWaiting);
  if (waiting.length === 0) {
    return [];
  }
  const admitted = await listAdmitted(cluster);
  const runs = new Set(admitted.map(({ metadata }) => metadata?.uid));
  const grants = new Set(grantsOf(lease).map(({ uid }) => uid));
  const pending = waiting.filter(({ metadata }) => grants.has(metadata?.uid ?? '') && !runs.has(metadata?.uid));
  const open = waiting.filter(({ metadata }) => !grants.has(metadata?.uid ?? '') && !runs.has(metadata?.uid));
  const running = [...admitted.filter(holdsSlot), ...pending];
  const chosen = nextBuilds(open, running, Math.max(0, limit - running.length));
  const granted = [...pending, ...chosen].map(({ metadata }) => ({
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
  }));
  return chosen.length === 0 || (await compareAndSwap(cluster, lease, granted)) ? granted : undefined;
}

/** Removes the label from Jobs whose end is processed: they exist for an hour longer, and would make this list long. */
async function listAdmitted(cluster: AdmittingCluster): Promise<V1Job[]> {
  const jobs = await cluster.listJobs(admissionSelector('admitted'));
  const done = jobs.filter((job) => isFinished(job) && !awaitsTerminalEvent(job));
  for (const { metadata } of done) {
    const { name = '', resourceVersion } = metadata ?? {};
    // A Job that has changed, or was replaced, since the list is left to the next call.
    await cluster
      .patchJob(name, { metadata: { resourceVersion, labels: { [ADMISSION_LABEL]: null } } })
      .catch(unlessConflict);
  }
  return jobs.filter(holdsSlot);
}

async function readLease(cluster: AdmittingCluster): Promise<V1Lease> {
  const lease = await cluster.getLease(LEASE);
  if (!lease) {
    throw new RetryableError(
      'Unavailable',
      `there is no Lease ${LEASE} in the builds namespace, so no build may run: make it with \`make deploy\``,
    );
  }
  return lease;
}

function grantsOf(lease: V1Lease): Grant[] {
  try {
    return grantsSchema.parse(JSON.parse(lease.metadata?.annotations?.[GRANTED_ANNOTATION] ?? '[]'));
  } catch {
    // Somebody has edited the annotation. The Jobs show which builds run; a build that was granted and does not run
    // gets a new grant.
    return [];
  }
}

async function compareAndSwap(cluster: AdmittingCluster, lease: V1Lease, granted: Grant[]): Promise<boolean> {
  const annotations = { ...lease.metadata?.annotations, [GRANTED_ANNOTATION]: JSON.stringify(granted) };
  const swapped = await cluster
    .replaceLease({ ...lease, metadata: { ...lease.metadata, annotations } })
    .then(() => true)
    .catch(unlessConflict);
  return swapped ?? false;
}

function unlessConflict(error: unknown): undefined {
  if (!(error instanceof RetryableError) || error.reason !== 'Conflict') {
    throw error;
  }
}

/** The uid and the state are checked: since the grant, the Job may have run, ended and been created anew. */
async function unsuspend(cluster: AdmittingCluster, { name, uid }: Grant): Promise<void> {
  await retryConflicts(async () => {
    const job = await cluster.getJob(name);
    if (job?.metadata?.uid !== uid || !isWaiting(job)) {
      return;
    }
    const { resourceVersion } = job.metadata;
    await cluster.patchJob(name, {
      metadata: { resourceVersion, labels: { [ADMISSION_LABEL]: 'admitted' } },
      spec: { suspend: false },
    });
  });
}
