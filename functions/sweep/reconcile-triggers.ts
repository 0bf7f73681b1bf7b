/** A function is a Service and its Trigger: one without the other is made whole, or goes. */

import { type KnativeObject, NOT_THERE } from '#shared/clients/cluster.ts';
import { isTombstoned, readTombstone } from '#shared/requests/tombstone.ts';
import { observedAt, readBuild } from '#shared/specs/annotations.ts';
import { FUNCTIONS } from '#shared/specs/labels.ts';
import { functionName } from '#shared/specs/names.ts';
import { functionTrigger } from '#shared/specs/trigger.ts';
import { forEachInBatch, nameOf, takeBatch } from './batch.ts';
import type { Run } from './dependencies.ts';

/** build-complete applies the Service first and service-delete deletes the Trigger first: what either has half done looks the same. */
const GRACE = 30_000;

export async function reconcileTriggers(run: Run): Promise<void> {
  const { cluster, report } = run;
  // Triggers first: a Service that was applied before its Trigger is then in the second list.
  const triggers = await cluster.listTriggers(FUNCTIONS);
  const services = await cluster.listServices(FUNCTIONS);
  const now = run.now();

  const served = new Set(triggers.map(nameOf));
  const unserved = services.filter((service) => !served.has(nameOf(service)) && isSettled(service, now));
  await forEachInBatch(takeBatch(unserved, now), { report, nameOf }, (service) => restoreTrigger(run, service));

  const present = new Set(services.map(nameOf));
  const pointless = triggers.filter((trigger) => !present.has(nameOf(trigger)));
  await forEachInBatch(takeBatch(pointless, now), { report, nameOf }, async (trigger) => {
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

/** Not of a Service that is going: its Trigger went first. */
async function restoreTrigger(
  { cluster, store, temporaryBucket, settings, report }: Run,
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
