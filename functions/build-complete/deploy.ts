/** Makes the Service and its Trigger what the newest source says, and nothing where that source is no longer wanted. */

import { type Cluster, type KnativeObject, NOT_THERE } from '#shared/clients/cluster.ts';
import { retryConflicts } from '#shared/clients/retry-conflicts.ts';
import type { BuildStatus } from '#shared/events/build-complete.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { Identity } from '#shared/events/identity.ts';
import type { Reason } from '#shared/events/reasons.ts';
import { removeFunction } from '#shared/requests/remove-function.ts';
import { isTombstoned, readTombstone } from '#shared/requests/tombstone.ts';
import { type Build, isOf, observedAt, readBuild } from '#shared/specs/annotations.ts';
import { knativeService } from '#shared/specs/knative-service.ts';
import { functionTrigger } from '#shared/specs/trigger.ts';
import type { Confirmed } from './confirm.ts';
import type { BuildCompleteDependencies } from './dependencies.ts';

/** Why a success was not deployed. */
export interface NotDeployed {
  status: Exclude<BuildStatus, 'success'>;
  reason: Reason;
  error_message: string;
}

/**
 * Checks, applies, checks again:
 *
 *      build-complete:  ─┼ no tombstone ──────────────┼ apply ──┼ tombstone! take it back ─▶
 *      service-delete:  ────────────┼ write tombstone ─────┼ nothing to delete ────────────▶
 *
 * Whichever of the two comes last finds what the other left. Two builds that are deployed at once are kept in order by the Service's
 * resourceVersion: the apply names the one it was checked at, or that there was none.
 */
export async function deploy(
  eventId: string,
  { build: built, image, outcome }: Confirmed,
  deps: BuildCompleteDependencies,
): Promise<NotDeployed | undefined> {
  const build: Build = { ...built, event_id: eventId, correlation_id: outcome.correlation_id };
  const burial = await buried(build, deps);
  if (burial) {
    return burial;
  }
  const { cluster, settings } = deps;
  const services = {
    get: (name: string) => cluster.getService(name),
    apply: (object: KnativeObject) => cluster.applyService(object),
  };
  const service = await applyUnlessNewer(build, knativeService(build, image, settings), services);
  if (!service) {
    return superseded(build);
  }
  const triggers = {
    get: (name: string) => cluster.getTrigger(name),
    apply: (object: KnativeObject) => cluster.applyTrigger(object),
  };
  await applyUnlessNewer(build, functionTrigger(build, service, settings), triggers);
  return await buried(build, deps);
}

/** The object as applied; undefined where there is one of a newer build. */
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
      // The same build's, deployed for a request that has joined it since.
      return readBuild(existing)?.event_id === readBuild(desired)?.event_id ? existing : undefined;
    }
    const { resourceVersion = NOT_THERE } = existing?.metadata ?? {};
    return await apply({ ...desired, metadata: { ...metadata, resourceVersion } });
  });
}

/** Takes back what a former attempt may have deployed before it crashed, or this one just now. */
async function buried(
  build: Build,
  { store, cluster, temporaryBucket }: BuildCompleteDependencies,
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
