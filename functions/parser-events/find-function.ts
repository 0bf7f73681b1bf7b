/** Finds the function that an event calls, and says why there is none. */
import type { Cluster, KnativeObject } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { Singleflight } from '#shared/clients/singleflight.ts';
import { HOUR, MINUTE, SECOND } from '#shared/durations.ts';
import { asRetryable, RetryableError } from '#shared/events/errors.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import type { Delivery } from '#shared/events/parameters.ts';
import { nearest } from '#shared/nearest.ts';
import { remember } from '#shared/remember.ts';
import { readTombstone } from '#shared/requests/tombstone.ts';
import { isOf } from '#shared/specs/annotations.ts';
import { deliveryOf } from '#shared/specs/delivery.ts';
import { functionName } from '#shared/specs/names.ts';
import { recordsInputs } from '#shared/specs/record-inputs.ts';
import { contextPrefix, LOGS, requestPrefix, tenantPrefix } from '#shared/specs/s3-keys.ts';
import { reachableUrl } from '#shared/specs/service-url.ts';
import { within } from '#shared/within.ts';
import type { Broke, Looks } from './pods.ts';
import type { Answered } from './warm.ts';

/** How old what is known of a function may be: after that it is asked for again. */
const FRESH = 5 * SECOND;
/** And where Kubernetes does not answer: it changes nothing then. */
const USABLE = 10 * MINUTE;
/** And where it has not answered for so long: a call must not wait for an API server that hangs. */
const ANSWERS_WITHIN = SECOND / 2;
/** A function whose calls all fail must not cost a request for each. */
const FORGOTTEN_AFTER = SECOND;
const MOST_KNOWN = 10_000;
/** No build takes longer, so an older context belongs to one that has failed. */
const LONGEST_BUILD = HOUR;

export interface ReadyFunction {
  kind: 'ready';
  name: string;
  url: string;
  revision: string;
  timeoutSeconds: number;
  delivery: Delivery;
  /** Whether it consents that inputs of its kept calls are kept. */
  record: boolean;
  /** Calls at once that its pods can take. */
  capacity: number;
  /** In milliseconds since the epoch: since when Knative calls it ready. 0 where it does not say. */
  readySince: number;
}

export type Found =
  | ReadyFunction
  /** Of an older installation: its own Trigger brings the call, past the door. */
  | { kind: 'routed' }
  /** It is being built or deployed. */
  | { kind: 'coming'; detail: string }
  /** RFC 3339. */
  | { kind: 'deleted'; at: string }
  | { kind: 'unknown'; nearest: string | undefined };

export interface Finding {
  cluster: Pick<Cluster, 'getService'>;
  store: Pick<ObjectStore, 'read' | 'list'>;
  temporaryBucket: string;
  known: KnownFunctions;
  now: () => Date;
}

interface Known {
  found: ReadyFunction | { kind: 'routed' };
  /** Milliseconds since the epoch. */
  at: number;
}

/** What this process knows of functions, by subject. Losing it costs a request a function. */
export interface KnownFunctions {
  found: Map<string, Known>;
  /** What a look-up says that began before a call came may be over by then: a process can stand still for minutes. */
  asking: Singleflight<Found>;
  /** At pods of functions whose calls broke. */
  looks: Looks;
  broke: Broke;
  answered: Answered;
}

export function createKnownFunctions(): KnownFunctions {
  return { found: new Map(), asking: new Singleflight(), looks: new Map(), broke: new Map(), answered: new Map() };
}

/** What needs no look-up: that of most calls. */
export function knownFunction(identity: Identity, { known, now }: Pick<Finding, 'known' | 'now'>): Found | undefined {
  const before = known.found.get(subjectOf(identity));
  return before && now().getTime() - before.at < FRESH ? before.found : undefined;
}

export async function findFunction(identity: Identity, deps: Finding): Promise<Found> {
  const { known } = deps;
  const fresh = knownFunction(identity, deps);
  if (fresh) {
    return fresh;
  }
  const subject = subjectOf(identity);
  const before = known.found.get(subject);
  // Whoever had to wait finds what the one before has found.
  const asking = known.asking.ask(subject, async () => knownFunction(identity, deps) ?? ask(identity, subject, deps));
  return before && isUsable(before, deps) ? await within(ANSWERS_WITHIN, asking, before.found) : await asking;
}

/** That a Trigger of its own brings the calls must be fresh: once it is gone, nobody would answer them. */
function isUsable({ found, at }: Known, { now }: Pick<Finding, 'now'>): boolean {
  return found.kind === 'ready' && now().getTime() - at < USABLE;
}

/** After a call that did not reach it: it may have been deleted since. What is younger than a second is kept. */
export function forgetFunction(
  identity: Identity,
  { known, now }: Pick<Finding, 'known' | 'now'>,
  after = FORGOTTEN_AFTER,
): void {
  const before = known.found.get(subjectOf(identity));
  if (before && now().getTime() - before.at >= after) {
    before.at = Math.min(before.at, now().getTime() - FRESH);
  }
}

/** Whether Kubernetes has said within the last second that the function is there. */
export function wasJustSeen(identity: Identity, { known, now }: Pick<Finding, 'known' | 'now'>): boolean {
  const before = known.found.get(subjectOf(identity));
  return before !== undefined && now().getTime() - before.at < FORGOTTEN_AFTER;
}

async function ask(identity: Identity, subject: string, deps: Finding): Promise<Found> {
  const { found: known } = deps.known;
  let found: Found;
  try {
    found = await describe(identity, await deps.cluster.getService(functionName(identity)), deps);
  } catch (error) {
    const before = known.get(subject);
    // No event is at fault where the door lacks a permission.
    const retryable = asRetryable(error);
    if (retryable instanceof RetryableError && before && isUsable(before, deps)) {
      return before.found;
    }
    throw retryable;
  }
  if (found.kind === 'ready' || found.kind === 'routed') {
    remember(known, subject, { found, at: deps.now().getTime() }, MOST_KNOWN);
  } else {
    known.delete(subject);
  }
  return found;
}

async function describe(identity: Identity, service: KnativeObject | undefined, deps: Finding): Promise<Found> {
  if (!service || !isOf(identity, service) || service.metadata.deletionTimestamp) {
    // Before S3 says why, which may take long: nobody is to call it meanwhile.
    deps.known.found.delete(subjectOf(identity));
    return await describeMissing(identity, deps);
  }
  const delivery = deliveryOf(service);
  if (!delivery) {
    return { kind: 'routed' };
  }
  const { latestReadyRevisionName } = service.status ?? {};
  const ready = service.status?.conditions?.find(({ type }: { type: string }) => type === 'Ready');
  const reachable = reachableUrl(service.status ?? {});
  if (!reachable || !latestReadyRevisionName) {
    return { kind: 'coming', detail: `it is not ready: ${ready?.message ?? 'Knative has not started it yet'}` };
  }
  const template = service.spec?.template ?? {};
  return {
    kind: 'ready',
    name: service.metadata.name,
    url: reachable,
    revision: latestReadyRevisionName,
    timeoutSeconds: template.spec?.timeoutSeconds ?? DEFAULT_TIMEOUT,
    delivery,
    record: recordsInputs(service),
    capacity: capacityOf(template),
    readySince: Date.parse(ready?.lastTransitionTime ?? '') || 0,
  };
}

/** Seconds: config-defaults of Knative. */
const DEFAULT_TIMEOUT = 300;
const DEFAULT_CONCURRENCY = 100;
const DEFAULT_MAX = 10;

/** A pod's concurrency, times the most pods. */
function capacityOf({ metadata, spec }: Partial<Pick<KnativeObject, 'metadata' | 'spec'>>): number {
  const annotation = (name: string) => metadata?.annotations?.[`autoscaling.knative.dev/${name}`];
  // Other metrics say nothing about calls at once: requests a second, CPU, memory.
  const target = (annotation('metric') ?? 'concurrency') === 'concurrency' ? Number(annotation('target')) : 0;
  const concurrency = spec?.containerConcurrency || target || DEFAULT_CONCURRENCY;
  return Math.max(1, Math.ceil(concurrency * (Number(annotation('max-scale')) || DEFAULT_MAX)));
}

async function describeMissing(identity: Identity, { store, temporaryBucket, now }: Finding): Promise<Found> {
  const { tombstone } = await readTombstone(store, temporaryBucket, identity);
  const deletedAt = tombstone ? Date.parse(tombstone.time) : Number.NEGATIVE_INFINITY;
  if (await isBeingBuilt(identity, Math.max(deletedAt, now().getTime() - LONGEST_BUILD), { store, temporaryBucket })) {
    return {
      kind: 'coming',
      detail: 'it is being built, or its last build has failed: its lifecycle.build.failed says why',
    };
  }
  if (tombstone) {
    return { kind: 'deleted', at: tombstone.time };
  }
  const names = await parsersOf(identity, { store, temporaryBucket });
  return { kind: 'unknown', nearest: nearest(identity.parser_id, names) };
}

type Reading = Pick<Finding, 'store' | 'temporaryBucket'>;

/** Whether a request or a context archive has been written since. */
async function isBeingBuilt(identity: Identity, since: number, { store, temporaryBucket }: Reading): Promise<boolean> {
  for (const prefix of [requestPrefix(identity), contextPrefix(identity)]) {
    for await (const { objects } of store.list(temporaryBucket, prefix)) {
      if (objects.some(({ modified }) => modified.getTime() > since)) {
        return true;
      }
    }
  }
  return false;
}

/** Names of the tenant's functions, as far as one page of their build logs has them. */
async function parsersOf(identity: Identity, { store, temporaryBucket }: Reading): Promise<Set<string>> {
  for await (const { objects } of store.list(temporaryBucket, tenantPrefix(LOGS, identity))) {
    return new Set(objects.map(({ key }) => key.split('/')[2] ?? '').filter((name) => name !== identity.parser_id));
  }
  return new Set();
}

export function describeAbsence(identity: Identity, found: Extract<Found, { kind: 'deleted' | 'unknown' }>): string {
  const name = subjectOf(identity);
  if (found.kind === 'deleted') {
    return `is "${name}", which was deleted at ${found.at}: send build.start to deploy it again`;
  }
  const hint = found.nearest ? ` Did you mean "${identity.third_party_id}/${found.nearest}"?` : '';
  return `is "${name}", and there is no such function: deploy it by build.start, or correct the subject.${hint}`;
}
