/** Claims the Job of a build: creates it, or joins the Job of the same name that exists. */
import { terminalId } from '#shared/builds/terminal-event.ts';
import type { Cluster } from '#shared/clients/cluster.ts';
import { type ImageRegistry, repositoryPath } from '#shared/clients/image-registry.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { RetryableError } from '#shared/events/errors.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import type { JobStart } from '#shared/events/job-start.ts';
import { readOutcome } from '#shared/requests/outcome.ts';
import { type KanikoJobSettings, kanikoJob } from '#shared/specs/kaniko-job.ts';
import { cacheRepository, jobName } from '#shared/specs/names.ts';
import type { RequestAddress } from '#shared/specs/s3-keys.ts';
import type { Claim } from './claim.ts';
import { type ClientLimits, exceededLimit } from './client-limits.ts';
import { joinOrReplace, replyFromRecord } from './join-or-replace.ts';

/**
 * How often the Job may change between a look at it and the write that follows. Then the Broker delivers the event
 * again.
 */
const ATTEMPTS = 5;

interface Claiming {
  store: Pick<ObjectStore, 'read'>;
  cluster: Pick<Cluster, 'getJob' | 'listJobMetadata' | 'createJob' | 'patchJob' | 'deleteJob'>;
  settings: KanikoJobSettings;
  imageRegistry?: ImageRegistry | undefined;
  limits: ClientLimits;
  now: () => Date;
}

/** Throws RetryableError('Conflict') where the Job changes all the time. */
export async function claimJob(event: ReceivedEvent<JobStart>, deps: Claiming): Promise<Claim> {
  const name = jobName(event.data, event.data.build_key);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const existing = await deps.cluster.getJob(name);
    const claim = existing ? await joinOrReplace(event, existing, deps) : await createJob(event, deps);
    if (claim.kind !== 'changed') {
      return claim;
    }
  }
  throw new RetryableError('Conflict', `Job ${name} changes with every look at it`, { retryAfter: 1 });
}

async function createJob(event: ReceivedEvent<JobStart>, deps: Claiming): Promise<Claim | { kind: 'changed' }> {
  const { store, cluster, settings, imageRegistry } = deps;
  const reply = await replyFromRecord(event, deps);
  if (reply) {
    return { kind: 'answered', reply };
  }
  const exceeded = await exceededLimit(cluster, event.data, deps.limits, deps.now());
  if (exceeded) {
    return { kind: 'refused', ending: { status: 'failed', reason: 'TooManyBuilds', ...exceeded } };
  }
  await imageRegistry?.ensureRepository(repositoryPath(event.data.image.repository), 'images');
  await imageRegistry?.ensureRepository(repositoryPath(cacheRepository(settings.registry, event.data)), 'cache');
  // Read again, as late as possible: this process may have been paused for minutes, while another delivery was
  // answered.
  const outcome = await readOutcome(store, addressOf(event, deps));
  if (outcome) {
    return { kind: 'repeated', outcome };
  }
  return (await cluster.createJob(kanikoJob(event, settings))) ? { kind: 'created' } : { kind: 'changed' };
}

/** Where the records about this request are kept. */
export function addressOf(
  { id, data }: ReceivedEvent<JobStart>,
  { settings }: { settings: { temporaryBucket: string } },
): RequestAddress {
  return { bucket: settings.temporaryBucket, identity: data, terminalId: terminalId(id) };
}
