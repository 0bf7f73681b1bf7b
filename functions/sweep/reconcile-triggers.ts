/** A function is a Service and its Trigger. Restores a Trigger that is missing, and deletes one that has no Service. */
import { type Cluster, type KnativeObject, NOT_THERE } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { isTombstoned, readTombstone } from '#shared/requests/tombstone.ts';
import { observedAt, readBuild } from '#shared/specs/annotations.ts';
import { FUNCTIONS } from '#shared/specs/labels.ts';
import { functionName } from '#shared/specs/names.ts';
import { functionTrigger } from '#shared/specs/trigger.ts';
import { forEachInBatch, nameOf, takeBatch } from './batch.ts';
import type { Step } from './dependencies.ts';

/**
 * build-complete applies the Service first, and service-delete deletes the Trigger first. Half done, both look the
 * same.
 */
const GRACE = 30_000;

interface Needs extends Step {
  cluster: Pick<
    Cluster,
    'getService' | 'listServices' | 'getTrigger' | 'listTriggers' | 'applyTrigger' | 'deleteTrigger'
  >;
  store: Pick<ObjectStore, 'read'>;
  temporaryBucket: string;
  settings: { namespace: string };
}

export async function reconcileTriggers(run: Needs): Promise<void> {
  const { cluster, report } = run;
  // Triggers are listed first: the Service of a Trigger in this list was applied before it, so it is in the second
  // list.
  const triggers = await cluster.listTriggers(FUNCTIONS);
  const services = await cluster.listServices(FUNCTIONS);
  const now = run.now();

  const served = new Set(triggers.map(nameOf));
  const unserved = services.filter((service) => !served.has(nameOf(service)) && isSettled(service, now));
  await forEachInBatch(takeBatch(unserved, now), { report, nameOf }, (service) => restoreTrigger(run, service));

  const present = new Set(services.map(nameOf));
  const orphaned = triggers.filter((trigger) => !present.has(nameOf(trigger)));
  await forEachInBatch(takeBatch(orphaned, now), { report, nameOf }, async (trigger) => {
    const { uid = '', resourceVersion = '' } = trigger.metadata;
    if (await cluster.deleteTrigger(nameOf(trigger), { uid, resourceVersion })) {
      report.did('triggers_deleted', nameOf(trigger));
    }
  });
}

function isSettled({ metadata }: KnativeObject, now: Date): boolean {
  const age = now.getTime() - Date.parse(metadata.creationTimestamp ?? new Date(0).toISOString());
  return metadata.deletionTimestamp === undefined && age >= GRACE;
}

/** Does nothing where the function is being deleted: then its Trigger has been deleted first. */
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
    const trigger = functionTrigger(build, service, settings);
    await cluster.applyTrigger({ ...trigger, metadata: { ...trigger.metadata, resourceVersion: NOT_THERE } });
    report.did('triggers_restored', name);
  }
}
