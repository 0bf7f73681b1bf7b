/**
 * A function whose calls have a queue of their own is a Service and its Trigger. Restores a Trigger that is missing,
 * says on the Service when its queue is there, and deletes a Trigger that nobody needs.
 */
import { type Cluster, type KnativeObject, NOT_THERE } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { HOUR, MINUTE } from '#shared/durations.ts';
import type { Delivery } from '#shared/events/parameters.ts';
import { isTombstoned, readTombstone } from '#shared/requests/tombstone.ts';
import { observedAt, readBuild } from '#shared/specs/annotations.ts';
import {
  bringsCalls,
  DELIVERY_ANNOTATION,
  deliveryOf,
  isOwnTrigger,
  UNUSED_SINCE,
  wantedDelivery,
} from '#shared/specs/delivery.ts';
import { FUNCTIONS } from '#shared/specs/labels.ts';
import { functionName } from '#shared/specs/names.ts';
import { functionTrigger } from '#shared/specs/trigger.ts';
import { forEachInBatch, nameOf, takeBatch } from './batch.ts';
import type { Step } from './dependencies.ts';

/**
 * build-complete applies the Service first, and its Trigger a moment later.
 */
const GRACE = 30_000;

/**
 * How long the queue of an unused Trigger has to drain: nobody tells here what waits in it. Into that of an older
 * installation calls still go, but the door makes these as well.
 */
const DRAINED = HOUR;
/**
 * Of a function that is gone the door answers every call at once. But a call that it was making may take ten minutes to
 * fail, and is delivered again; and where Kubernetes does not answer, the door hands calls on for as long.
 */
const ANSWERED = 15 * MINUTE;

interface Needs extends Step {
  cluster: Pick<
    Cluster,
    | 'getService'
    | 'listServices'
    | 'patchService'
    | 'getTrigger'
    | 'listTriggers'
    | 'applyTrigger'
    | 'patchTrigger'
    | 'deleteTrigger'
  >;
  store: Pick<ObjectStore, 'read'>;
  temporaryBucket: string;
  settings: { namespace: string; delivery: Delivery };
}

export async function reconcileTriggers(run: Needs): Promise<void> {
  const { cluster, report } = run;
  // Triggers are listed first: the Service of a Trigger in this list was applied before it, so it is in the second
  // list.
  const triggers = await cluster.listTriggers(FUNCTIONS);
  const services = await cluster.listServices(FUNCTIONS);
  const now = run.now();

  const byName = new Map(triggers.map((trigger) => [nameOf(trigger), trigger]));
  const changes = services.flatMap((service) => {
    const change = isSettled(service, now) ? changeOf(service, byName.get(nameOf(service)), run) : undefined;
    return change ? [{ service, change }] : [];
  });
  await forEachInBatch(
    takeBatch(changes, now),
    { report, nameOf: ({ service }) => nameOf(service) },
    async ({ change }) => await change(),
  );

  const present = new Set(services.map(nameOf));
  const orphaned = triggers.filter((trigger) => !present.has(nameOf(trigger)));
  await forEachInBatch(takeBatch(orphaned, now), { report, nameOf }, (trigger) =>
    retireTrigger(run, trigger, ANSWERED),
  );
}

/** What brings a Service and its Trigger together; undefined where they are as they should be. */
function changeOf(
  service: KnativeObject,
  trigger: KnativeObject | undefined,
  run: Needs,
): (() => Promise<void>) | undefined {
  const build = readBuild(service);
  if (!build || functionName(build) !== nameOf(service)) {
    return undefined;
  }
  const delivery = deliveryOf(service);
  const wanted = wantedDelivery(build.parameters, run.settings.delivery);
  if (!delivery) {
    // Of an older installation. With its Trigger it works as it did; `make deploy` replaces that.
    return trigger ? undefined : () => setDelivery(run, service, 'shared');
  }
  const isUsed = wanted === 'own' && trigger !== undefined && isOwnTrigger(trigger);
  if (delivery === 'own' && !isUsed) {
    // First of all: a call that is handed on to a queue which is not there reaches nobody.
    return () => setDelivery(run, service, 'shared');
  }
  if (!trigger) {
    return wanted === 'own' ? () => restoreTrigger(run, service) : undefined;
  }
  return isUsed ? useOf(trigger, { service, delivery }, run) : () => retireTrigger(run, trigger);
}

/** Unmarked before the Service says that calls go there: what is marked may be deleted. */
function useOf(
  trigger: KnativeObject,
  { service, delivery }: { service: KnativeObject; delivery: Delivery },
  run: Needs,
): (() => Promise<void>) | undefined {
  if (trigger.metadata.annotations?.[UNUSED_SINCE] !== undefined) {
    return () => markTrigger(run, trigger, null);
  }
  return delivery === 'shared' && bringsCalls(trigger) ? () => setDelivery(run, service, 'own') : undefined;
}

function isSettled({ metadata }: KnativeObject, now: Date): boolean {
  const age = now.getTime() - Date.parse(metadata.creationTimestamp ?? new Date(0).toISOString());
  return metadata.deletionTimestamp === undefined && age >= GRACE;
}

async function setDelivery({ cluster, report }: Needs, { metadata }: KnativeObject, delivery: Delivery): Promise<void> {
  const { name, resourceVersion } = metadata;
  if (
    await cluster.patchService(name, {
      metadata: { resourceVersion, annotations: { [DELIVERY_ANNOTATION]: delivery } },
    })
  ) {
    report.did('deliveries_changed', `${name} ${delivery}`);
  }
}

/** Marks it first, and deletes it when its queue must be empty. */
async function retireTrigger(run: Needs, trigger: KnativeObject, drained = DRAINED): Promise<void> {
  const since = Date.parse(trigger.metadata.annotations?.[UNUSED_SINCE] ?? '');
  if (Number.isNaN(since)) {
    await markTrigger(run, trigger, run.now().toISOString());
  } else if (run.now().getTime() - since >= drained) {
    await removeTrigger(run, trigger);
  }
}

async function markTrigger({ cluster }: Needs, { metadata }: KnativeObject, since: string | null): Promise<void> {
  const { name, resourceVersion } = metadata;
  await cluster.patchTrigger(name, { metadata: { resourceVersion, annotations: { [UNUSED_SINCE]: since } } });
}

async function removeTrigger({ cluster, report }: Needs, trigger: KnativeObject): Promise<void> {
  const { uid = '', resourceVersion = '' } = trigger.metadata;
  if (await cluster.deleteTrigger(nameOf(trigger), { uid, resourceVersion })) {
    report.did('triggers_deleted', nameOf(trigger));
  }
}

/** Does nothing where the function is being deleted. */
async function restoreTrigger(
  { cluster, store, temporaryBucket, settings, report }: Needs,
  listed: KnativeObject,
): Promise<void> {
  const { name } = listed.metadata;
  const service = await cluster.getService(name);
  const build = service && readBuild(service);
  if (!build || functionName(build) !== name || (await cluster.getTrigger(name))) {
    return;
  }
  const { tombstone } = await readTombstone(store, temporaryBucket, build);
  if (!isTombstoned(tombstone, observedAt(service))) {
    const trigger = functionTrigger(build, settings);
    await cluster.applyTrigger({ ...trigger, metadata: { ...trigger.metadata, resourceVersion: NOT_THERE } });
    report.did('triggers_restored', name);
  }
}
