/** Jobs, run for real: pods are processes, the object store is the platform's. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Job } from '#local/jobs/job.ts';
import { startJobController } from '#local/jobs/job-controller.ts';
import { countEnded, createHistory } from '#local/jobs/job-history.ts';
import { losePods } from '#local/kubelet/lose-pods.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { dead, startNode, type TestNode } from '#test/unit/kubelet/start-node.ts';

let node: TestNode;
let controller: { close(): void };
beforeAll(() => {
  node = startNode();
  controller = startJobController({ storage: node.storage, backoffSeconds: 0.01 });
});
afterAll(async () => {
  controller.close();
  await node.close();
});

interface Template {
  containers: unknown[];
  initContainers?: unknown[];
  restartPolicy?: string;
  terminationGracePeriodSeconds?: number;
}

function create(
  name: string,
  template: Template,
  spec: Record<string, unknown> = {},
  metadata: object = {},
): KubeObject {
  return node.storage.create({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: 'ns', ...metadata },
    spec: {
      ...spec,
      template: { metadata: { labels: { mine: 'yes' } }, spec: { restartPolicy: 'Never', ...template } },
    },
  });
}

const get = (name: string) => node.storage.get('jobs.batch', 'ns', name) as Job | undefined;
const podsOf = (name: string) =>
  node.storage.list('pods', { namespace: 'ns', labelSelector: `batch.kubernetes.io/job-name=${name}` });

async function until(name: string, condition: (job: Job) => boolean): Promise<Job> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const job = get(name);
    if (job !== undefined && condition(job)) {
      return job;
    }
    if (performance.now() > deadline) {
      throw new Error(`in vain: ${JSON.stringify(job, undefined, 2)}`);
    }
    await sleep(5);
  }
}

const has = (type: string) => (job: Job) =>
  job.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
const conditions = (job: Job) =>
  job.status?.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`);

describe('success', () => {
  test('one pod, labelled and owned; Complete with times and counts', async () => {
    create('works', { containers: [node.sh('exit 0')] });
    const job = await until('works', has('Complete'));
    expect(conditions(job)).toEqual(['SuccessCriteriaMet=True CompletionsReached', 'Complete=True CompletionsReached']);
    expect(job.status).toMatchObject({ succeeded: 1, ready: 0, terminating: 0 });
    expect(job.status?.active).toBeUndefined();
    expect(job.status?.startTime).toMatch(/Z$/);
    expect(job.status?.completionTime).toMatch(/Z$/);
    const [pod] = podsOf('works');
    expect(pod?.metadata.name).toMatch(/^works-[a-z0-9]{5}$/);
    expect(pod?.metadata.labels).toEqual({
      mine: 'yes',
      'batch.kubernetes.io/controller-uid': job.metadata.uid,
      'batch.kubernetes.io/job-name': 'works',
      'controller-uid': job.metadata.uid,
      'job-name': 'works',
    });
    expect(pod?.metadata.ownerReferences).toMatchObject([{ kind: 'Job', name: 'works', controller: true }]);
  });

  test('while it runs: active and ready', async () => {
    create('runs', { containers: [node.sh('sleep 0.3')] });
    const job = await until('runs', ({ status }) => status?.ready === 1);
    expect(job.status?.active).toBe(1);
    await until('runs', has('Complete'));
  });

  test('a native sidecar ends with it, before it is complete', async () => {
    create('monitored', {
      initContainers: [
        node.sh('trap "sleep 0.2; exit 0" TERM; while :; do sleep 0.02; done', {
          name: 'side',
          restartPolicy: 'Always',
        }),
      ],
      containers: [node.sh('sleep 0.1')],
    });
    await until('monitored', has('Complete'));
    const [pod] = podsOf('monitored');
    expect(pod?.['status'].initContainerStatuses[0].state.terminated.exitCode).toBe(0);
  });

  test('several completions, two at a time', async () => {
    create('many', { containers: [node.sh('sleep 0.05')] }, { completions: 5, parallelism: 2 });
    const job = await until('many', has('Complete'));
    expect(job.status?.succeeded).toBe(5);
    expect(podsOf('many')).toHaveLength(5);
  });
});

describe('failure', () => {
  test('retried with a new pod each time, up to backoffLimit', async () => {
    create('fails', { containers: [node.sh('exit 1')] }, { backoffLimit: 2 });
    const job = await until('fails', has('Failed'));
    expect(conditions(job)).toEqual(['FailureTarget=True BackoffLimitExceeded', 'Failed=True BackoffLimitExceeded']);
    expect(job.status?.failed).toBe(3);
    expect(job.status?.completionTime).toBeUndefined();
    expect(podsOf('fails')).toHaveLength(3);
  });

  test('the wait before a retry doubles', async () => {
    const slow = startNode();
    const own = startJobController({ storage: slow.storage, backoffSeconds: 0.2 });
    try {
      slow.storage.create({
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: 'slow', namespace: 'ns' },
        spec: { backoffLimit: 2, template: { spec: { restartPolicy: 'Never', containers: [slow.sh('exit 1')] } } },
      });
      const begun = performance.now();
      const job = () => slow.storage.get('jobs.batch', 'ns', 'slow') as Job;
      await expect.poll(() => has('Failed')(job()), { timeout: 5000 }).toBe(true);
      expect(performance.now() - begun).toBeGreaterThan(600);
    } finally {
      own.close();
      await slow.close();
    }
  });

  test('the deadline ends pods that run, and comes first however many retries are left', async () => {
    const script = 'trap "" TERM; echo $$; while :; do sleep 0.02; done';
    create(
      'late',
      { terminationGracePeriodSeconds: 1, containers: [node.sh(script)] },
      { activeDeadlineSeconds: 1, backoffLimit: 6 },
    );
    await until('late', ({ status }) => status?.ready === 1);
    const pod = podsOf('late')[0]?.metadata.name ?? '';
    await expect.poll(() => node.log(pod)).toMatch(/^\d+\n$/);
    const pid = Number(await node.log(pod));
    // While the pod ends there is a target, not yet an end.
    expect(conditions(await until('late', has('FailureTarget')))).toEqual(['FailureTarget=True DeadlineExceeded']);
    const job = await until('late', has('Failed'));
    expect(conditions(job)).toEqual(['FailureTarget=True DeadlineExceeded', 'Failed=True DeadlineExceeded']);
    await dead(pid);
    await expect.poll(() => podsOf('late')).toEqual([]);
  });

  test('a deadline that is set, or shortened, while it runs', async () => {
    create('shortened', { containers: [node.sh('sleep 60')] }, { activeDeadlineSeconds: 1800 });
    const job = await until('shortened', ({ status }) => status?.active === 1);
    node.storage.update({ ...job, spec: { ...job.spec, activeDeadlineSeconds: 1 } });
    expect(conditions(await until('shortened', has('Failed')))?.at(-1)).toBe('Failed=True DeadlineExceeded');
  });
});

describe('podFailurePolicy', () => {
  const podFailurePolicy = {
    rules: [
      { action: 'FailJob', onExitCodes: { containerName: 'main', operator: 'In', values: [65, 66] } },
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    ],
  };

  test('FailJob on an exit code: no retry', async () => {
    create('poisoned', { containers: [node.sh('exit 66')] }, { backoffLimit: 6, podFailurePolicy });
    const job = await until('poisoned', has('Failed'));
    expect(conditions(job)).toEqual(['FailureTarget=True PodFailurePolicy', 'Failed=True PodFailurePolicy']);
    const pod = podsOf('poisoned')[0]?.metadata.name;
    expect(job.status?.conditions?.at(-1)?.message).toBe(
      `Container main for pod ns/${pod} failed with exit code 66 matching FailJob rule at index 0`,
    );
    expect(podsOf('poisoned')).toHaveLength(1);
  });

  test('any other code is retried', async () => {
    create('tried', { containers: [node.sh('exit 67')] }, { backoffLimit: 1, podFailurePolicy });
    const job = await until('tried', has('Failed'));
    expect(conditions(job)?.at(-1)).toBe('Failed=True BackoffLimitExceeded');
    expect(podsOf('tried')).toHaveLength(2);
  });

  test('Ignore on a disruption: replaced, not counted', async () => {
    create('disrupted', { containers: [node.sh('exec sleep 60')] }, { backoffLimit: 0, podFailurePolicy });
    await until('disrupted', ({ status }) => status?.ready === 1);
    const [first] = podsOf('disrupted');
    const { name = '' } = first?.metadata ?? {};
    const status = node.storage.get('pods', 'ns', name)?.['status'];
    const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' };
    node.storage.updateStatus('pods', 'ns', name, { ...status, conditions: [...status.conditions, condition] });
    node.storage.remove('pods', 'ns', name);
    await expect.poll(() => podsOf('disrupted').map((pod) => pod.metadata.name), { timeout: 5000 }).not.toContain(name);
    const job = await until('disrupted', (current) => current.status?.ready === 1);
    expect(job.status?.failed).toBeUndefined();
    node.storage.remove('jobs.batch', 'ns', 'disrupted', { propagationPolicy: 'Foreground' });
  });
});

describe('suspension', () => {
  test('no pods and no start while suspended; un-suspending starts it', async () => {
    create('held', { containers: [node.sh('exit 0')] }, { suspend: true });
    const held = await until('held', has('Suspended'));
    expect(conditions(held)).toEqual(['Suspended=True JobSuspended']);
    expect(held.status?.startTime).toBeUndefined();
    await sleep(50);
    expect(podsOf('held')).toEqual([]);
    const current = get('held') as Job;
    node.storage.update({ ...current, spec: { ...current.spec, suspend: false } });
    const job = await until('held', has('Complete'));
    expect(conditions(job)?.[0]).toBe('Suspended=False JobResumed');
    expect(job.status?.startTime).toBeDefined();
  });

  test('suspending a running Job ends its pods, which is no failure', async () => {
    create('paused', { containers: [node.sh('exec sleep 60')] }, { backoffLimit: 0 });
    const running = await until('paused', ({ status }) => status?.ready === 1);
    node.storage.update({ ...running, spec: { ...running.spec, suspend: true } });
    await expect.poll(() => podsOf('paused'), { timeout: 5000 }).toEqual([]);
    const job = await until('paused', has('Suspended'));
    expect(job.status?.startTime).toBeUndefined();
    await sleep(50);
    const current = get('paused') as Job;
    expect(current.status?.failed).toBeUndefined();
    node.storage.update({ ...current, spec: { ...current.spec, suspend: false } });
    await until('paused', ({ status }) => status?.ready === 1);
    node.storage.remove('jobs.batch', 'ns', 'paused', { propagationPolicy: 'Foreground' });
    await expect.poll(() => get('paused'), { timeout: 5000 }).toBeUndefined();
  });
});

describe('deletion', () => {
  test('in the middle, with a finalizer of somebody else: the pods end, no new one is made, the Job stays', async () => {
    create('cut', { containers: [node.sh('echo $$; exec sleep 60')] }, {}, { finalizers: ['example.com/keep'] });
    await until('cut', ({ status }) => status?.ready === 1);
    const pod = podsOf('cut')[0]?.metadata.name ?? '';
    await expect.poll(() => node.log(pod)).toMatch(/^\d+\n$/);
    const pid = Number(await node.log(pod));
    node.storage.remove('jobs.batch', 'ns', 'cut', { propagationPolicy: 'Foreground' });
    await expect.poll(() => podsOf('cut'), { timeout: 5000 }).toEqual([]);
    await dead(pid);
    await sleep(100);
    expect(podsOf('cut')).toEqual([]);
    const job = get('cut') as Job;
    expect(job.metadata.finalizers).toEqual(['example.com/keep']);
    node.storage.update({ ...job, metadata: { ...job.metadata, finalizers: [] } });
    expect(get('cut')).toBeUndefined();
  });

  test('ttlSecondsAfterFinished removes it and its pods', async () => {
    create('expires', { containers: [node.sh('exit 0')] }, { ttlSecondsAfterFinished: 1 });
    await until('expires', has('Complete'));
    await expect.poll(() => get('expires'), { timeout: 5000 }).toBeUndefined();
    await expect.poll(() => podsOf('expires'), { timeout: 5000 }).toEqual([]);
  });

  test('a time to live of nothing', async () => {
    create('flies', { containers: [node.sh('exit 1')] }, { ttlSecondsAfterFinished: 0, backoffLimit: 0 });
    await expect.poll(() => get('flies'), { timeout: 5000 }).toBeUndefined();
  });

  test('a pod removed by force is a failure, and is replaced', async () => {
    create('robbed', { containers: [node.sh('exec sleep 60')] }, { backoffLimit: 3 });
    await until('robbed', ({ status }) => status?.ready === 1);
    node.storage.remove('pods', 'ns', podsOf('robbed')[0]?.metadata.name ?? '', { gracePeriodSeconds: 0 });
    const job = await until('robbed', ({ status }) => status?.failed === 1 && status.ready === 1);
    expect(job.status?.active).toBe(1);
    node.storage.remove('jobs.batch', 'ns', 'robbed', { propagationPolicy: 'Background' });
    await expect.poll(() => podsOf('robbed'), { timeout: 5000 }).toEqual([]);
  });
});

describe('a platform that was killed', () => {
  const disrupted = { type: 'DisruptionTarget', status: 'True' };
  const ignoring = {
    podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [disrupted] }] },
  };

  test.each([
    { case: 'costs a Job with our podFailurePolicy no attempt', spec: ignoring, failed: undefined },
    { case: 'costs a Job without one an attempt, as a lost node does', spec: {}, failed: 1 },
  ])('$case', async ({ spec, failed }) => {
    const name = `lost-${failed ?? 0}`;
    const lost = startNode();
    const create = (template: unknown) =>
      lost.storage.create({
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name, namespace: 'ns' },
        spec: { ...spec, backoffLimit: 1, template: { spec: { restartPolicy: 'Never', containers: [template] } } },
      });
    const job = () => lost.storage.get('jobs.batch', 'ns', name) as Job | undefined;
    let jobs = startJobController({ storage: lost.storage, backoffSeconds: 0.01 });
    create(lost.sh('exec sleep 60'));
    await expect.poll(() => job()?.status?.ready).toBe(1);
    jobs.close();
    losePods(lost.storage);

    jobs = startJobController({ storage: lost.storage, backoffSeconds: 0.01 });
    await expect.poll(() => lost.storage.list('pods')).toHaveLength(2);

    expect(job()?.status?.failed).toBe(failed);
    jobs.close();
    await lost.close();
  });

  test('after its pod had ended, before that was counted: it is counted once', async () => {
    const before = create('counted', { containers: [node.sh('exit 1')] }, { backoffLimit: 0 }) as Job;
    const job = await until('counted', has('Failed'));
    const pods = podsOf('counted');

    const history = createHistory({ ...job, status: before.status ?? {} }, pods);
    countEnded(history, job, pods[0] as KubeObject, Date.now());
    const known = createHistory(job, pods);
    countEnded(known, job, pods[0] as KubeObject, Date.now());

    expect([history.failed, known.failed]).toEqual([1, 1]);
  });

  test('one attempt is in the status and the next has ended since: that is counted, too', async () => {
    create('twice', { containers: [node.sh('exit 1')] }, { backoffLimit: 1 });
    const job = await until('twice', has('Failed'));
    const pods = podsOf('twice');

    const history = createHistory({ ...job, status: { failed: 1 } }, pods);
    for (const pod of pods) {
      countEnded(history, job, pod, Date.now());
    }

    expect(history.failed).toBe(2);
  });
});
