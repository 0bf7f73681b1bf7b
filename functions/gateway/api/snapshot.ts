/**
 * All functions and running builds, as they were a moment ago, with their numbers and last builds: one read of
 * Kubernetes and S3 serves many requests.
 */

import type { Build, FunctionSummary } from '#shared/api/schemas.ts';
import type { Cluster } from '#shared/clients/cluster.ts';
import { SECOND } from '#shared/durations.ts';
import { subjectOf } from '#shared/events/identity.ts';
import { BUILDS, FUNCTIONS } from '#shared/specs/labels.ts';
import { functionView, futureView, podsByService, runningBuild, type Snapshot } from './function-view.ts';
import type { LastBuilds } from './last-builds.ts';
import type { LastCrashes } from './last-crashes.ts';
import type { BuildingTenants, NeverDeployed } from './never-deployed.ts';
import { type ReadHour, summaryNumbers } from './numbers.ts';

/** Reading may take a twentieth of the time, so that a thousand functions leave a core to the requests. */
const SHARE = 20;
/** The page looks again this long after an event. */
const LONGEST = 10 * SECOND;
/** While it is read anew, what is no older than this beyond its time is still given: nobody waits for the reading. */
const STILL_GOOD = 2 * SECOND;

export interface SnapshotSources {
  hour: ReadHour;
  lastBuilds: LastBuilds;
  lastCrashes: LastCrashes;
  buildingTenants: BuildingTenants;
  neverDeployed: NeverDeployed;
}

export function createSnapshot(
  cluster: Pick<Cluster, 'listServices' | 'listFunctionPods' | 'listJobMetadata'>,
  { hour, lastBuilds, lastCrashes, buildingTenants, neverDeployed }: SnapshotSources,
  now: () => number = () => performance.now(),
): () => Promise<Snapshot> {
  let known: { until: number; snapshot: Snapshot } | undefined;
  let reading: Promise<Snapshot> | undefined;
  return async () => {
    if (known && now() < known.until) {
      return known.snapshot;
    }
    reading ??= read().finally(() => {
      reading = undefined;
    });
    if (known && now() < known.until + STILL_GOOD) {
      reading.catch(() => undefined);
      return known.snapshot;
    }
    return await reading;
  };

  async function read(): Promise<Snapshot> {
    const began = now();
    const [numbers, crashes, building] = [hour(), lastCrashes(), buildingTenants()];
    const [services, pods, jobs] = await Promise.all([
      cluster.listServices(FUNCTIONS),
      cluster.listFunctionPods('app.kubernetes.io/component=function'),
      cluster.listJobMetadata(BUILDS),
    ]);
    const counts = podsByService(pods);
    const deployed = services.flatMap((service) => functionView(service, counts.get(service.metadata.name) ?? 0) ?? []);
    const running = jobs.flatMap((job) => runningBuild(job) ?? []);
    const took = now() - began;
    const tenants = [...new Set([...deployed.map((one) => one.third_party_id), ...(await building)])];
    const [calls, crashed, builds] = await Promise.all([
      numbers,
      crashes,
      lastBuilds(tenants, endedSince(known?.snapshot.running ?? [], running)),
    ]);
    const byId = new Map(
      deployed.map((one) => {
        const last = builds.get(subjectOf(one)) ?? one.last_build;
        const more = {
          ...(last ? { last_build: last } : {}),
          ...crashedAt(one, crashed),
          ...summaryNumbers(calls, one),
        };
        return [subjectOf(one), { ...one, ...more }];
      }),
    );
    for (const build of running) {
      const one = byId.get(subjectOf(build));
      byId.set(subjectOf(build), one ? { ...one, last_build: build } : futureView(build));
    }
    for (const one of await neverDeployed(builds.values(), (id) => byId.has(id))) {
      byId.set(subjectOf(one), one);
    }
    const functions = [...byId.values()].sort((a, b) => (subjectOf(a) < subjectOf(b) ? -1 : 1));
    const snapshot = { functions, running };
    known = { until: now() + Math.min(LONGEST, Math.max(SECOND, took * SHARE)), snapshot };
    return snapshot;
  }
}

/** Of the version that is deployed, and no older one. */
function crashedAt(one: FunctionSummary, crashes: ReadonlyMap<string, Date>): Pick<FunctionSummary, 'crashed_at'> {
  const at = crashes.get(subjectOf(one));
  return at && !(at.getTime() < Date.parse(one.observed_at ?? '')) ? { crashed_at: at.toISOString() } : {};
}

/** Tenants of builds that ran before and run no more. */
function endedSince(before: Build[], running: Build[]): Set<string> {
  const now = new Set(running.map(({ correlation_id }) => correlation_id));
  return new Set(before.filter((one) => !now.has(one.correlation_id)).map((one) => one.third_party_id));
}
