/** Looks over the installation, as far as the gateway may see it. A tenant is told about its own functions. */
import * as z from 'zod';
import type { ApiDependencies } from '#functions/gateway/dependencies.ts';
import { type Build, doctorSchema } from '#shared/api/schemas.ts';
import { seen } from '#shared/clients/installation.ts';
import type { Principal } from '#shared/clients/principals.ts';
import { doctor } from '#shared/doctor/doctor.ts';
import type { Installation, RegistryFact, StorageFact } from '#shared/doctor/facts.ts';
import { HOUR } from '#shared/durations.ts';
import { subjectOf } from '#shared/events/identity.ts';
import { placed } from '#shared/explain/place.ts';
import { listBuilds } from '#shared/history/build-index.ts';
import { feedKeyAt, listFeed } from '#shared/history/feed.ts';
import { listRequests } from '#shared/requests/request.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import { BUILDS, FUNCTIONS } from '#shared/specs/labels.ts';
import { LAST_SWEEP, probeKey } from '#shared/specs/s3-keys.ts';
import { lettersOf } from './letters.ts';
import { operation } from './operation.ts';
import { noSuchResource } from './problems.ts';
import { maySee } from './serve.ts';

const LETTERS = 100;
/** Images that are looked for. */
const IMAGES = 500;
const TENANTS = 20;
const BUILDS_OF_TENANT = 20;
const OF_FUNCTIONS = 'app.kubernetes.io/component=function';
const OF_BUILDERS = 'app.kubernetes.io/component=builder';

export const examine = operation({
  method: 'GET',
  path: '/doctor',
  says: 'Looks over the installation (operators) or your functions: what is wrong, and what mends it.',
  query: z.object({ third_party_id: z.string().optional() }),
  answers: { one: doctorSchema },
  handle: async ({ principal, query: { third_party_id: tenant } }, deps) => {
    if (tenant !== undefined && !maySee(principal, tenant)) {
      throw noSuchResource();
    }
    const own = await ofFunctions(deps, principal, tenant);
    const checks =
      principal.operator && tenant === undefined ? doctor(await ofInstallation(deps, own)) : doctor(own, ['functions']);
    return { checks: checks.map((one) => (one.next ? { ...one, next: placed(one.next, deps) } : one)) };
  },
});

async function ofFunctions(
  deps: ApiDependencies,
  principal: Principal,
  tenant: string | undefined,
): Promise<Installation> {
  const { cluster, now, platform, authentication, sourcePrefix } = deps;
  const [services, pods, triggers] = await Promise.all([
    seen(() => cluster.listServices(FUNCTIONS)),
    seen(() => cluster.listFunctionPods(OF_FUNCTIONS)),
    seen(() => cluster.listTriggers(FUNCTIONS)),
  ]);
  const isOwn = (object: Parameters<typeof readBuild>[0]) => {
    const owner = readBuild(object)?.third_party_id;
    return tenant === undefined ? maySee(principal, owner) : owner === tenant;
  };
  const functions = services?.filter(isOwn);
  const names = new Set(functions?.map(({ metadata }) => metadata.name));
  return {
    now: now(),
    platform,
    settings: { authentication, sourcePrefix },
    functions,
    functionPods: pods?.filter(({ metadata }) => names.has(metadata?.labels?.['serving.knative.dev/service'] ?? '')),
    triggers: triggers?.filter((trigger) => principal.operator || isOwn(trigger)),
  };
}

async function ofInstallation(deps: ApiDependencies, own: Installation): Promise<Installation> {
  const { cluster, installation, temporaryBucket, sourceBucket } = deps;
  const [kubernetesVersion, apiGroups, brokers, sources, quotas, policies, hasLease] = await Promise.all([
    installation.version(),
    installation.apiGroups(),
    installation.brokers(),
    installation.sources(),
    installation.quotas(),
    installation.policies(),
    installation.hasLease(),
  ]);
  const [builders, builderPods, triggers, jobs, buildPods, letters] = await Promise.all([
    seen(() => cluster.listServices(OF_BUILDERS)),
    seen(() => cluster.listFunctionPods(OF_BUILDERS)),
    seen(() => cluster.listTriggers('app.kubernetes.io/part-of=knative-lambda')),
    seen(() => cluster.listJobMetadata(BUILDS)),
    seen(() => cluster.listPods(BUILDS)),
    seen(() => lettersOf(deps, undefined, {}, LETTERS)),
  ]);
  const [storage, oldestRequest, lastRecorded, lastSweep, registry, certificates, settingNames] = await Promise.all([
    probe(deps),
    seen(() => oldest(deps)),
    seen(() => last(deps)),
    seen(() => swept(deps)),
    seen(() => registryOf(deps, own)),
    installation.certificates(),
    installation.settings(),
  ]);
  return {
    ...own,
    ...{ kubernetesVersion, apiGroups, brokers, sources, quotas, policies, hasLease },
    ...{ builders, builderPods, triggers, jobs, buildPods, letters, oldestRequest, lastRecorded },
    ...{ lastSweep, registry, certificates, settingNames },
    ...storage,
    temporaryBucket: await usable(deps, temporaryBucket),
    sourceBucket: await usable(deps, sourceBucket),
  };
}

/** Writes an object twice, on condition that it is not there, and removes it. */
async function probe({ store, temporaryBucket, now, probeId }: ApiDependencies): Promise<Partial<Installation>> {
  const key = probeKey(probeId());
  const result = await seen(async () => {
    const first = await store.create(temporaryBucket, key, 'doctor', 'text/plain');
    const second = await store.create(temporaryBucket, key, 'again', 'text/plain');
    const { date } = await store.read(temporaryBucket, key);
    await store.remove(temporaryBucket, [key]);
    return { isCreateExclusive: first && !second, clockSkew: date.getTime() - now().getTime() };
  });
  return result ?? {};
}

async function usable({ store }: ApiDependencies, bucket: string): Promise<StorageFact> {
  try {
    for await (const _ of store.list(bucket, '', { limit: 1 })) {
      break;
    }
    return {};
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

async function oldest({ store, temporaryBucket }: ApiDependencies): Promise<Date | 'none'> {
  let found: Date | undefined;
  for await (const { objects } of listRequests(store, temporaryBucket)) {
    for (const { modified } of objects) {
      found = found === undefined || modified < found ? modified : found;
    }
  }
  return found ?? 'none';
}

async function last({ store, temporaryBucket, now }: ApiDependencies): Promise<Date | 'none'> {
  const [newest] = (await listFeed(store, temporaryBucket, feedKeyAt(now().getTime() - HOUR))).slice(-1);
  const time = Number(/(\d{13})-/.exec(newest ?? '')?.[1]);
  return Number.isNaN(time) ? 'none' : new Date(time);
}

async function swept({ store, temporaryBucket }: ApiDependencies): Promise<Date | 'none'> {
  for await (const { objects } of store.list(temporaryBucket, LAST_SWEEP, { limit: 1 })) {
    const [object] = objects;
    return object?.modified ?? 'none';
  }
  return 'none';
}

async function registryOf(deps: ApiDependencies, { functions = [] }: Installation): Promise<RegistryFact> {
  const images = functions.map(({ spec }) => spec?.template?.spec?.containers?.[0]?.image).filter(Boolean);
  const [lookup, refused] = await Promise.all([
    deps.installation.images([...new Set<string>(images)].slice(0, IMAGES)),
    refusedImage(deps, functions),
  ]);
  return { lookup, refused };
}

/** Of the newest builds of each tenant: the last word of the registry on an image. */
async function refusedImage(
  { store, temporaryBucket }: ApiDependencies,
  functions: NonNullable<Installation['functions']>,
): Promise<RegistryFact['refused']> {
  const tenants = [...new Set(functions.map((one) => readBuild(one)?.third_party_id ?? ''))].filter(Boolean);
  const builds: Build[] = [];
  for (const tenant of tenants.slice(0, TENANTS)) {
    let read = 0;
    for await (const { build } of listBuilds(store, temporaryBucket, tenant, {})) {
      builds.push(build);
      read += 1;
      if (read >= BUILDS_OF_TENANT) {
        break;
      }
    }
  }
  const [newest] = builds
    .filter(({ status, reason }) => status === 'success' || reason === 'ImagePushFailed')
    .sort((a, b) => ((a.completed_at ?? '') < (b.completed_at ?? '') ? 1 : -1));
  return newest?.reason === 'ImagePushFailed'
    ? { subject: subjectOf(newest), time: newest.completed_at ?? '' }
    : undefined;
}
