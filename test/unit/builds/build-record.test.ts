/** The phases of a build, by its Job and the pod that came last. */
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { buildRecord, phasesOfJob, readBuildRecord } from '#shared/builds/build-record.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000);
const ran = (name: string, from: number, to: number) => ({
  name,
  state: { terminated: { exitCode: 0, startedAt: at(from), finishedAt: at(to) } },
});
const pod = (created: number, kaniko: [number, number]): V1Pod =>
  ({
    metadata: { creationTimestamp: at(created), ownerReferences: [{ uid: 'u' }] },
    status: {
      initContainerStatuses: [
        { name: 'build-monitor', state: { running: { startedAt: at(created + 2) } } },
        ran('fetch-context', created + 3, created + 5),
      ],
      containerStatuses: [ran('kaniko', ...kaniko)],
    },
  }) as unknown as V1Pod;
const job: V1Job = { metadata: { uid: 'u', creationTimestamp: at(0) }, status: { startTime: at(4) } };
const outcome = (more: Partial<BuildComplete>) => ({ cached: false, status: 'success', ...more }) as BuildComplete;

test('of a Job: what Kubernetes saw of its last pod', () => {
  expect(phasesOfJob(job, [pod(30, [40, 47]), pod(4, [10, 20])])).toEqual({
    queued: 4,
    placed: 28,
    context: 2,
    build: 7,
  });
});

test('nothing is told of what was not seen', () => {
  expect(phasesOfJob({ metadata: { creationTimestamp: at(0) } }, [])).toEqual({});
});

test.each([
  { path: 'cached', ending: { outcome: outcome({ cached: true, completed_at: at(0).toISOString() }) }, phases: {} },
  { path: 'job', ending: { outcome: outcome({ job_name: 'j' }), phases: { queued: 1 } }, phases: { queued: 1 } },
  { path: 'layer', ending: { outcome: outcome({ duration_ms: 1500 }) }, phases: { build: 1.5 } },
  { path: 'none', ending: { outcome: outcome({ status: 'failed' }), hasImage: false }, phases: {} },
])('$path', ({ path, ending, phases }) => {
  const record = buildRecord({ hasImage: true, ...ending });
  expect(record).toEqual({ path, language: 'unknown', phases });
  expect(readBuildRecord(JSON.stringify(record))).toEqual(record);
});
