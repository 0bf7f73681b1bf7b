/** Lets waiting builds run, as many as there are slots: in the whole cluster, whoever asks, however many ask at once. */
import type { V1Job, V1Lease } from '@kubernetes/client-node';
import * as z from 'zod';
import type { Cluster } from '#shared/clients/cluster.ts';
import { retryConflicts } from '#shared/clients/retry-conflicts.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { ADMISSION_LABEL, admissionSelector } from '#shared/specs/labels.ts';
import { holdsSlot, isWaiting, nextBuilds } from './admission.ts';
import { awaitsTerminalEvent, isFinished } from './job-state.ts';

/** In the builds namespace, made with the other manifests. */
const LEASE = 'admission';
const GRANTED_ANNOTATION = 'knative-lambda/granted';

const grantsSchema = z.array(z.object({ name: z.string(), uid: z.string() }));
type Grant = z.infer<typeof grantsSchema>[number];

/** Others may decide at the same moment, each of them for good: then there is something new to look at. */
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
 * Decisions are made one after the other, by a compare-and-swap of the Lease; what they say is done afterwards, by anybody:
 *
 *      A:  ─┼ read Lease ─┼ list Jobs ─┼ write grant x ─▶ ok ──┼ let x run ─▶       (a crash before the last step: the grant stands in the
 *      B:  ───┼ read Lease ──┼ list Jobs ──────┼ write ─▶ 409, again: x is granted   Lease, counts as running, and the next one lets x run)
 *
 * The names of the builds that run now and did not before.
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

/** What has been granted and does not run yet, the new grants among it. Undefined where somebody else was faster. */
async function decide(cluster: AdmittingCluster, limit: number): Promise<Grant[] | undefined> {
  const lease = await readLease(cluster);
  // Most often there is nothing to decide, which the short list alone tells.
  if ((await listAdmitted(cluster)).length >= limit) {
    return [];
  }
  // The waiting ones first: whoever is let run between the two lists is in both, not in neither.
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
  return chosen.length === 0 || (await swap(cluster, lease, granted)) ? granted : undefined;
}

/** Those that are over and processed lose their label: they stay for an hour, and would make this list long. */
async function listAdmitted(cluster: AdmittingCluster): Promise<V1Job[]> {
  const jobs = await cluster.listJobs(admissionSelector('admitted'));
  const done = jobs.filter((job) => isFinished(job) && !awaitsTerminalEvent(job));
  for (const { metadata } of done) {
    const { name = '', resourceVersion } = metadata ?? {};
    // It may be another one by now, or changed: then it is the next one's to look at.
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
    // Somebody has edited it. What runs is seen on the Jobs; what was granted and does not run yet gets a new grant.
    return [];
  }
}

async function swap(cluster: AdmittingCluster, lease: V1Lease, granted: Grant[]): Promise<boolean> {
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

/** Only that very Job, and only while it waits: it may have been let run, ended and made anew since. */
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
