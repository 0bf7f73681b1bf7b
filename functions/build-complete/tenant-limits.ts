/**
 * How many functions one tenant may have, and how many pods of them that never go. Counted from its Services when one
 * is deployed, so two that are deployed at the same moment may each find the last place free.
 */
import type { Cluster, KnativeObject } from '#shared/clients/cluster.ts';
import { PermanentError } from '#shared/events/errors.ts';
import { type Build, isOf, tenantOf } from '#shared/specs/annotations.ts';
import { minPods } from '#shared/specs/autoscaling.ts';
import { functionsOf } from '#shared/specs/labels.ts';

export interface TenantLimits {
  functions: number;
  minPods: number;
}

/** Throws PermanentError where the function is one too many. What a tenant has already may be replaced. */
export async function checkTenantLimits(
  cluster: Pick<Cluster, 'getService' | 'listServices'>,
  build: Build,
  wanted: KnativeObject,
  limits: TenantLimits,
): Promise<void> {
  const { third_party_id } = build;
  const there = await cluster.getService(wanted.metadata.name);
  const before = there && isOf(build, there) ? there : undefined;
  if (before && minPods(wanted) <= minPods(before)) {
    return;
  }
  // Only then: of a tenant with a thousand functions this is megabytes.
  const services = await cluster.listServices(functionsOf(build));
  const others = services.filter((service) => tenantOf(service) === third_party_id && !isOf(build, service));
  if (!before && others.length >= limits.functions) {
    throw new PermanentError(
      'TooManyFunctions',
      `${third_party_id} has ${others.length} functions, and no more than ${limits.functions} may be (MAX_TENANT_FUNCTIONS): delete one by service.delete, or have the limit raised, then send build.start again`,
    );
  }
  const pods = others.reduce((sum, service) => sum + minPods(service), minPods(wanted));
  if (pods > limits.minPods && minPods(wanted) > 0) {
    throw new PermanentError(
      'TooManyFunctions',
      `the functions of ${third_party_id} would keep ${pods} pods while they idle, and no more than ${limits.minPods} may be (MAX_TENANT_MIN_PODS): ask for a smaller parameters.scaling.min, or have the limit raised, then send build.start again`,
    );
  }
}
