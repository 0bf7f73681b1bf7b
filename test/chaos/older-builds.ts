/** Looks, whenever a new image is told to be deployed that needed no Job, whether older builds still go on. */
import { isOver } from '#shared/builds/job-state.ts';
import { isActive } from '#shared/builds/older-builds.ts';
import { SECOND } from '#shared/durations.ts';
import { isOf, observedAt, readBuild, readEnded } from '#shared/specs/annotations.ts';
import { type InMemoryCluster, SERVICES } from '#test/fakes/cluster.ts';
import type { Ledger } from './ledger.ts';
import type { Simulation } from './simulation.ts';
import type { Violation } from './violation.ts';

export function watchOlderBuilds(
  cluster: InMemoryCluster,
  simulation: Simulation,
  ledger: Ledger,
  violations: Violation[],
): void {
  const applied = new Map<string, number>();
  cluster.storage.watch(SERVICES, ({ object }) => {
    const id = readBuild(object)?.event_id ?? '';
    applied.set(id, applied.get(id) ?? simulation.now);
  });
  ledger.onCompleted = (id, complete) => {
    const since = applied.get(id);
    if (complete.job_name !== undefined || since === undefined) {
      return;
    }
    const observed = Date.parse(complete.observed_at ?? '');
    // job-start looks at the Service after it has made a Job. So later ones are its concern. Times have whole seconds.
    const goOn = cluster.jobs
      .values()
      .filter((job) => isOf(complete, job) && isActive(job) && !isOver(job) && readEnded(job) === undefined)
      .filter((job) => observedAt(job) < observed && readBuild(job)?.build_key !== complete.build_key)
      .filter(({ metadata }) => new Date(metadata?.creationTimestamp ?? 0).getTime() < since - SECOND);
    for (const { metadata } of goOn) {
      violations.push({ invariant: 'older', what: `${metadata?.name} goes on, though ${id.slice(0, 12)} is deployed` });
    }
  };
}
