/** Who is next, and that no more run than may: whoever asks, however many at once, whoever of them crashes. */
import type { V1Job } from '@kubernetes/client-node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { holdsSlot, isWaiting, nextBuilds } from '#shared/builds/admission.ts';
import { admit } from '#shared/builds/admit.ts';
import { ENDED_ANNOTATION, TERMINAL_EVENT_FINALIZER } from '#shared/specs/annotations.ts';
import { ADMISSION_LABEL, BUILDS } from '#shared/specs/labels.ts';
import { InMemoryCluster } from '#test/fakes/cluster.ts';
import { crashAt, type Steps, stepped } from '#test/fakes/stepped.ts';

interface Given {
  tenant: string;
  priority?: number;
  /** Seconds. */
  age?: number;
}

const labels = Object.fromEntries(BUILDS.split(',').map((term) => term.split('=') as [string, string]));

function waitingJob(name: string, { tenant, priority = 5 }: Given): V1Job {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      labels: { ...labels, [ADMISSION_LABEL]: 'waiting' },
      annotations: { 'knative-lambda/third-party-id': tenant, 'knative-lambda/priority': String(priority) },
      finalizers: [TERMINAL_EVENT_FINALIZER],
    },
    spec: {
      suspend: true,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'kaniko', image: 'kaniko' }] } },
    },
  };
}

const NOW = new Date('2026-01-02T12:00:00Z').getTime();

async function clusterWith(...given: Given[]): Promise<InMemoryCluster> {
  const cluster = new InMemoryCluster();
  for (const [index, { age = 0, ...job }] of given.entries()) {
    cluster.now = new Date(NOW - age * 1000);
    await cluster.createJob(waitingJob(`build-${index}`, job));
  }
  cluster.now = new Date(NOW);
  return cluster;
}

const running = (cluster: InMemoryCluster) =>
  [...cluster.jobs.values()]
    .filter((job) => !job.spec?.suspend && holdsSlot(job))
    .map(({ metadata }) => metadata?.name);

describe('the order', () => {
  const order = async (given: Given[], runs: string[] = []) => {
    const waiting = [...(await clusterWith(...given)).jobs.values()];
    const busy = runs.map((tenant, index) => waitingJob(`runs-${index}`, { tenant }));
    return nextBuilds(waiting, busy).map(({ metadata }) => Number(metadata?.name?.slice('build-'.length)));
  };

  test('oldest first', async () => {
    expect(
      await order([
        { tenant: 'a', age: 1 },
        { tenant: 'a', age: 3 },
        { tenant: 'a', age: 2 },
      ]),
    ).toEqual([1, 2, 0]);
  });

  test('priority before age', async () => {
    expect(
      await order([
        { tenant: 'a', age: 9 },
        { tenant: 'a', priority: 1 },
      ]),
    ).toEqual([1, 0]);
  });

  test('a tenant with fewer running builds before priority and age', async () => {
    expect(
      await order(
        [
          { tenant: 'a', age: 9, priority: 1 },
          { tenant: 'b', priority: 10 },
        ],
        ['a'],
      ),
    ).toEqual([1, 0]);
  });

  test('one tenant’s many do not hold up another’s first', async () => {
    const many = Array.from({ length: 5 }, () => ({ tenant: 'big', age: 100 }));
    const [first, second] = await order([...many, { tenant: 'small' }]);
    expect([first, second]).toEqual([0, 5]);
  });

  test('is complete, without duplicates, and never gives a tenant two more than one that waits', async () => {
    const job = fc.record({ tenant: fc.constantFrom('a', 'b', 'c'), priority: fc.integer({ min: 1, max: 10 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(job, { maxLength: 30 }), async (given) => {
        const sequence = await order(given);
        expect(sequence.toSorted((a, b) => a - b)).toEqual(given.map((_, index) => index));
        for (let length = 1; length <= sequence.length; length++) {
          const counts = (tenant: string) =>
            sequence.slice(0, length).filter((at) => given[at]?.tenant === tenant).length;
          const waits = new Set(sequence.slice(length).map((at) => given[at]?.tenant ?? ''));
          for (const tenant of waits) {
            const largest = Math.max(...['a', 'b', 'c'].map(counts));
            expect(largest - counts(tenant)).toBeLessThanOrEqual(1);
          }
        }
      }),
    );
  });
});

describe('admitting', () => {
  test('lets run what there is room for, and no more', async () => {
    const cluster = await clusterWith({ tenant: 'a' }, { tenant: 'b' }, { tenant: 'c' });
    expect(await admit(cluster, { limit: 2 })).toEqual(['build-0', 'build-1']);
    expect(await admit(cluster, { limit: 2 })).toEqual([]);
    expect(running(cluster)).toEqual(['build-0', 'build-1']);
    cluster.succeed('build-0');
    expect(await admit(cluster, { limit: 2 })).toEqual(['build-2']);
  });

  test('what ends and is processed loses its label, so that the list of what runs stays short', async () => {
    const cluster = await clusterWith({ tenant: 'a' });
    await admit(cluster, { limit: 1 });
    cluster.succeed('build-0');
    await cluster.patchJob('build-0', { metadata: { finalizers: [] } });
    await admit(cluster, { limit: 1 });
    expect(cluster.jobs.get('build-0')?.metadata?.labels?.[ADMISSION_LABEL]).toBeUndefined();
  });

  test('a deleted Job has its slot until its pods are gone', async () => {
    const cluster = await clusterWith({ tenant: 'a' }, { tenant: 'a' });
    await admit(cluster, { limit: 1 });
    const pod = cluster.runPod('build-0', undefined, { phase: 'Running' });
    await cluster.deleteJob('build-0');
    expect(await admit(cluster, { limit: 1 })).toEqual([]);
    cluster.pods.delete(pod.metadata?.name ?? '');
    expect(await admit(cluster, { limit: 1 })).toEqual(['build-1']);
  });

  test('one that has been told to end does not begin', async () => {
    const cluster = await clusterWith({ tenant: 'a' });
    const reason = JSON.stringify({ status: 'cancelled', reason: 'Cancelled', message: 'x' });
    await cluster.patchJob('build-0', { metadata: { annotations: { [ENDED_ANNOTATION]: reason } } });
    expect(isWaiting((await cluster.getJob('build-0')) as V1Job)).toBe(false);
    expect(await admit(cluster, { limit: 1 })).toEqual([]);
  });

  test('without its Lease nothing runs, and the error says what to do', async () => {
    const cluster = await clusterWith({ tenant: 'a' });
    cluster.leases.clear();
    await expect(admit(cluster, { limit: 1 })).rejects.toThrow(/make deploy/);
  });

  const many = () => clusterWith(...Array.from({ length: 6 }, (_, index) => ({ tenant: `t${index % 2}` })));

  test('two at once, at every step of one another, never let run more than may', async () => {
    for (let step = 1; ; step++) {
      const cluster = await many();
      const steps: Steps = {
        calls: [],
        before: async (at) => {
          if (at === step) {
            await admit(cluster, { limit: 3 });
          }
        },
      };
      await admit(stepped(cluster, steps), { limit: 3 });
      expect([step, running(cluster).length]).toEqual([step, 3]);
      if (step > steps.calls.length) {
        expect(step).toBeGreaterThan(8);
        return;
      }
    }
  });

  test.each(['before', 'after'] as const)('a crash %s any step costs no slot and gives none too many', async (when) => {
    for (let step = 1; ; step++) {
      const cluster = await many();
      const crashed = await admit(stepped(cluster, crashAt(step, when)), { limit: 3 }).then(
        () => false,
        () => true,
      );
      expect(running(cluster).length).toBeLessThanOrEqual(3);
      await admit(cluster, { limit: 3 });
      expect([step, running(cluster).length]).toEqual([step, 3]);
      if (!crashed) {
        return;
      }
    }
  });

  test('a grant of a Job that has been made anew since is not the new one’s', async () => {
    const cluster = await clusterWith({ tenant: 'a' });
    await admit(stepped(cluster, crashAt(6, 'before')), { limit: 1 }).catch(() => {});
    expect(cluster.leases.get('admission')?.metadata?.annotations?.['knative-lambda/granted']).toContain('build-0');
    cluster.jobs.clear();
    await cluster.createJob(waitingJob('build-0', { tenant: 'a' }));
    await cluster.createJob(waitingJob('build-9', { tenant: 'b' }));
    expect(await admit(cluster, { limit: 1 })).toHaveLength(1);
    expect(running(cluster)).toHaveLength(1);
  });
});
