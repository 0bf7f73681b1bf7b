/**
 * Deploys the newest source of a parser as a Service, and a Trigger where its calls have a queue of their own, unless
 * the function has been deleted since.
 */
import { type Cluster, type KnativeObject, NOT_THERE } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { retryConflicts } from '#shared/clients/retry-conflicts.ts';
import type { BuildStatus } from '#shared/events/build-complete.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { Identity } from '#shared/events/identity.ts';
import type { Reason } from '#shared/events/reasons.ts';
import { removeFunction } from '#shared/requests/remove-function.ts';
import { isTombstoned, readTombstone } from '#shared/requests/tombstone.ts';
import { type Build, isOf, observedAt, readBuild } from '#shared/specs/annotations.ts';
import { bringsCalls, isOwnTrigger, wantedDelivery } from '#shared/specs/delivery.ts';
import { type FunctionSettings, knativeService } from '#shared/specs/knative-service.ts';
import { functionName } from '#shared/specs/names.ts';
import { functionTrigger } from '#shared/specs/trigger.ts';
import { checkSecrets } from './check-secrets.ts';
import type { ConfirmedSuccess } from './confirm.ts';
import { checkTenantLimits, type TenantLimits } from './tenant-limits.ts';

interface Deploying {
  store: Pick<ObjectStore, 'read'>;
  cluster: Pick<
    Cluster,
    'getSecretKeys' | 'getService' | 'listServices' | 'applyService' | 'deleteService' | 'getTrigger' | 'applyTrigger'
  >;
  temporaryBucket: string;
  settings: FunctionSettings;
  tenantLimits: TenantLimits;
}

/** Why a success was not deployed. */
export interface NotDeployed {
  status: Exclude<BuildStatus, 'success'>;
  reason: Reason;
  error_message: string;
}

/**
 * Returns undefined where the build is deployed. Looks for a tombstone before it applies the objects, and again after
 * that:
 *
 *      build-complete:  ─┼ no tombstone ──────────────┼ apply ──┼ tombstone: delete again ─▶
 *      service-delete:  ────────────┼ write tombstone ─────┼ nothing to delete ────────────▶
 *
 * Whichever of the two is last sees what the other has done. Two builds that are deployed at the same time are ordered
 * by optimistic concurrency: each apply names the resourceVersion that it has checked, or that there was no object.
 * Throws PermanentError where Kubernetes refuses an object, its Secrets are missing or another tenant's, or the tenant
 * has as many functions as it may.
 */
export async function deploy(
  eventId: string,
  { build: built, image, outcome }: ConfirmedSuccess,
  deps: Deploying,
): Promise<NotDeployed | undefined> {
  const build: Build = { ...built, event_id: eventId, correlation_id: outcome.correlation_id };
  const deleted = await removeIfDeleted(build, deps);
  if (deleted) {
    return deleted;
  }
  const { cluster, settings } = deps;
  const secrets = await checkSecrets(build, deps);
  const services = {
    get: (name: string) => cluster.getService(name),
    apply: (object: KnativeObject) => cluster.applyService(object),
  };
  const wanted = wantedDelivery(build.parameters, settings.delivery);
  const triggers = {
    get: (name: string) => cluster.getTrigger(name),
    apply: (object: KnativeObject) => cluster.applyTrigger(object),
  };
  const name = functionName(build);
  const before = wanted === 'own' ? await cluster.getTrigger(name) : undefined;
  const delivery = before && bringsCalls(before) ? 'own' : 'shared';
  const desired = knativeService(build, image, settings, delivery, secrets);
  await checkTenantLimits(cluster, build, desired, deps.tenantLimits);
  const service = await applyUnlessNewer(build, desired, services);
  if (!service) {
    return superseded(build);
  }
  // The Trigger of an older installation is left alone: a filter cannot be changed, and calls may wait in its queue.
  if (wanted === 'own' && (!before || isOwnTrigger(before))) {
    await applyUnlessNewer(build, functionTrigger(build, settings), triggers);
    const after = delivery === 'shared' ? await cluster.getTrigger(name) : undefined;
    // Nobody gets a call that is handed on to a queue which is not bound yet. Where that takes longer, sweep follows.
    if (after && bringsCalls(after)) {
      await applyUnlessNewer(build, knativeService(build, image, settings, 'own', secrets), services);
    }
  }
  return await removeIfDeleted(build, deps);
}

/** The object as applied; undefined where the object belongs to a newer build. */
async function applyUnlessNewer(
  identity: Identity,
  desired: KnativeObject,
  { get, apply }: { get: Cluster['getService']; apply: Cluster['applyService'] },
): Promise<KnativeObject | undefined> {
  const { kind, metadata } = desired;
  return await retryConflicts(async () => {
    const existing = await get(metadata.name);
    if (existing && !isOf(identity, existing)) {
      throw new PermanentError(
        'Refused',
        `the name of ${kind} ${metadata.name} is taken by somebody else's: choose another parser_id, then send build.start again`,
      );
    }
    if (existing && observedAt(existing) > observedAt(desired)) {
      // A later request may have joined this very build: then the newer object is this build's own.
      return readBuild(existing)?.event_id === readBuild(desired)?.event_id ? existing : undefined;
    }
    const { resourceVersion = NOT_THERE } = existing?.metadata ?? {};
    return await apply({ ...desired, metadata: { ...metadata, resourceVersion } });
  });
}

/**
 * Where the function has been deleted, removes what this attempt, or one that crashed before it, has deployed since.
 */
async function removeIfDeleted(
  build: Build,
  { store, cluster, temporaryBucket }: Omit<Deploying, 'settings' | 'tenantLimits'>,
): Promise<NotDeployed | undefined> {
  const { tombstone } = await readTombstone(store, temporaryBucket, build);
  if (!isTombstoned(tombstone, Date.parse(build.observed_at))) {
    return undefined;
  }
  await removeFunction(cluster, build, Date.parse(build.observed_at));
  return {
    status: 'cancelled',
    reason: 'Cancelled',
    error_message: `service.delete arrived at ${tombstone?.time}, after this source was seen, so it is not deployed. Send build.start to deploy it again`,
  };
}

function superseded({ observed_at }: Build): NotDeployed {
  return {
    status: 'superseded',
    reason: 'Superseded',
    error_message: `a newer source of this parser than the one seen at ${observed_at} was asked for meanwhile: wait for its build.complete`,
  };
}
