/** Pods as processes: how they start, end, restart and report. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dead, IMAGE, isAlive, running, startNode, type TestNode, terminated, waiting } from './start-node.ts';

let node: TestNode;
beforeAll(() => {
  node = startNode();
});
afterAll(async () => {
  await node.close();
});

const over = ({ status }: { status: { phase: string } }) => ['Succeeded', 'Failed'].includes(status.phase);

describe('a pod that may not restart', () => {
  test.each([
    { case: 'exit 0', script: 'exit 0', phase: 'Succeeded', exitCode: 0, reason: 'Completed' },
    { case: 'exit 65', script: 'exit 65', phase: 'Failed', exitCode: 65, reason: 'Error' },
    { case: 'a signal', script: 'kill -9 $$', phase: 'Failed', exitCode: 137, reason: 'Error' },
    { case: 'SIGTERM by default', script: 'kill -15 $$', phase: 'Failed', exitCode: 143, reason: 'Error' },
  ])('ends once its container has: $case', async ({ script, phase, exitCode, reason }) => {
    const name = `ends-${exitCode}`;
    node.pod(name, { restartPolicy: 'Never', containers: [node.sh(script)] });
    const { status } = await node.until(name, over);
    expect(status.phase).toBe(phase);
    expect(terminated(status.containerStatuses[0])).toMatchObject({ exitCode, reason });
    expect(status.containerStatuses[0]).toMatchObject({ ready: false, restartCount: 0 });
    expect(status.conditions.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      reason: phase === 'Failed' ? 'PodFailed' : 'PodCompleted',
    });
  });

  test('fails where one of two containers fails', async () => {
    const containers = [node.sh('exit 3', { name: 'a' }), node.sh('exit 0', { name: 'b' })];
    node.pod('two', { restartPolicy: 'Never', containers });
    expect((await node.until('two', over)).status.phase).toBe('Failed');
  });

  test('is started within a blink', async () => {
    const begun = Date.now();
    node.pod('fast', { restartPolicy: 'Never', containers: [node.sh('date +%s%N')] });
    await node.until('fast', over);
    const started = Number((await node.log('fast')).slice(0, 13));
    // 20 ms on a quiet machine; the shell's own start is in it.
    expect(started - begun).toBeLessThan(250);
  });
});

describe('init containers', () => {
  test('run one after the other, before the rest', async () => {
    node.pod('inits', {
      restartPolicy: 'Never',
      volumes: [{ name: 'shared', emptyDir: {} }],
      initContainers: ['one', 'two'].map((name) =>
        node.sh(`echo ${name} >> /shared/order`, { name, volumeMounts: [{ name: 'shared', mountPath: '/shared' }] }),
      ),
      containers: [node.sh('cat /shared/order', { volumeMounts: [{ name: 'shared', mountPath: '/shared' }] })],
    });
    expect((await node.until('inits', over)).status.phase).toBe('Succeeded');
    expect(await node.log('inits')).toBe('one\ntwo\n');
  });

  test('a failed one fails the pod, and nothing after it runs', async () => {
    node.pod('init-fails', {
      restartPolicy: 'Never',
      initContainers: [node.sh('exit 7', { name: 'bad' }), node.sh('exit 0', { name: 'next' })],
      containers: [node.sh('echo never')],
    });
    const { status } = await node.until('init-fails', over);
    expect(status.phase).toBe('Failed');
    expect(terminated(status.initContainerStatuses?.[0])?.exitCode).toBe(7);
    expect(waiting(status.initContainerStatuses?.[1])?.reason).toBe('PodInitializing');
    expect(waiting(status.containerStatuses[0])?.reason).toBe('PodInitializing');
    expect(await node.kubelet.logs.read('ns', 'init-fails', 'main')).toBeUndefined();
  });

  test('are tried again where the pod may restart', async () => {
    node.pod('init-retries', {
      restartPolicy: 'OnFailure',
      volumes: [{ name: 'v', emptyDir: {} }],
      initContainers: [
        node.sh('[ -f /v/seen ] || { touch /v/seen; exit 1; }', {
          name: 'flaky',
          volumeMounts: [{ name: 'v', mountPath: '/v' }],
        }),
      ],
      containers: [node.sh('exit 0')],
    });
    const { status } = await node.until('init-retries', over);
    expect(status.phase).toBe('Succeeded');
    expect(status.initContainerStatuses?.[0]?.restartCount).toBe(1);
  });
});

describe('sidecars', () => {
  const sidecar = (script: string) => node.sh(script, { name: 'monitor', restartPolicy: 'Always' });

  test('live beside the main container, get SIGTERM after it, and may finish before the pod is over', async () => {
    node.pod('sidecar', {
      restartPolicy: 'Never',
      initContainers: [sidecar('trap "sleep 0.1; echo finished; exit 0" TERM; echo up; while :; do sleep 0.02; done')],
      containers: [node.sh('sleep 0.2; exit 0')],
    });
    const midway = await node.until('sidecar', ({ status }) => running(status.containerStatuses[0]) !== undefined);
    expect(running(midway.status.initContainerStatuses?.[0])).toBeDefined();
    const { status } = await node.until('sidecar', over);
    expect(status.phase).toBe('Succeeded');
    expect(terminated(status.initContainerStatuses?.[0])?.exitCode).toBe(0);
    expect(await node.log('sidecar', 'monitor')).toMatch(/^up\n(.*\n)?finished\n$/);
  });

  test('a failed main container decides the phase, whatever the sidecar answers', async () => {
    node.pod('sidecar-failed-main', {
      restartPolicy: 'Never',
      initContainers: [sidecar('trap "exit 0" TERM; while :; do sleep 0.02; done')],
      containers: [node.sh('exit 9')],
    });
    const { status } = await node.until('sidecar-failed-main', over);
    expect(status.phase).toBe('Failed');
    expect(terminated(status.containerStatuses[0])?.exitCode).toBe(9);
  });

  test('are restarted although the pod may not, and their failure is not the pod’s', async () => {
    node.pod('sidecar-crashes', {
      restartPolicy: 'Never',
      initContainers: [sidecar('exit 1')],
      containers: [node.sh('sleep 0.3')],
    });
    const { status } = await node.until('sidecar-crashes', over);
    expect(status.phase).toBe('Succeeded');
    expect(status.initContainerStatuses?.[0]?.restartCount).toBeGreaterThan(0);
  });

  test('one that ignores SIGTERM is killed after the grace period', async () => {
    node.pod('sidecar-stubborn', {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
      initContainers: [sidecar('trap "" TERM; while :; do sleep 0.02; done')],
      containers: [node.sh('exit 0')],
    });
    const { status } = await node.until('sidecar-stubborn', over);
    expect(terminated(status.initContainerStatuses?.[0])?.exitCode).toBe(137);
    expect(status.phase).toBe('Succeeded');
  });
});

test('deleting a pod whose sidecar takes its time hurries the sidecar', async () => {
  node.pod('dawdles', {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 600,
    initContainers: [
      node.sh('trap "" TERM; echo up; while :; do sleep 0.02; done', { name: 'side', restartPolicy: 'Always' }),
    ],
    containers: [node.sh('sleep 0.2')],
  });
  await node.until('dawdles', ({ status }) => terminated(status.containerStatuses[0]) !== undefined);
  expect(running(node.get('dawdles')?.status.initContainerStatuses?.[0])).toBeDefined();
  node.storage.remove('pods', 'ns', 'dawdles', { gracePeriodSeconds: 1 });
  await node.gone('dawdles');
});

describe('restarts', () => {
  test('Always: at once, then with a growing back-off shown as CrashLoopBackOff', async () => {
    const slow = startNode({ restartBaseMs: 200 });
    try {
      slow.pod('crashes', { containers: [slow.sh('echo run; exit 4')] });
      const { status } = await slow.until('crashes', (pod) => {
        const [container] = pod.status.containerStatuses;
        return container?.restartCount === 1 && waiting(container)?.reason === 'CrashLoopBackOff';
      });
      expect(status.phase).toBe('Running');
      expect(status.containerStatuses[0]?.lastState.terminated).toMatchObject({ exitCode: 4, reason: 'Error' });
      expect(waiting(status.containerStatuses[0])?.message).toContain('back-off 0.2s restarting failed container=main');
    } finally {
      await slow.close();
    }
  });

  test('Always: a success too', async () => {
    node.pod('again', { containers: [node.sh('exit 0')] });
    await node.until('again', ({ status }) => (status.containerStatuses[0]?.restartCount ?? 0) >= 2);
    node.storage.remove('pods', 'ns', 'again');
    await node.gone('again');
  });

  test('OnFailure: until it succeeds; the output of each run is kept apart', async () => {
    node.pod('flaky', {
      restartPolicy: 'OnFailure',
      volumes: [{ name: 'v', emptyDir: {} }],
      containers: [
        node.sh('echo run >> /v/runs; wc -l < /v/runs; [ $(wc -l < /v/runs) -eq 3 ]', {
          volumeMounts: [{ name: 'v', mountPath: '/v' }],
        }),
      ],
    });
    const { status } = await node.until('flaky', over);
    expect(status.phase).toBe('Succeeded');
    expect(status.containerStatuses[0]?.restartCount).toBe(2);
    expect((await node.log('flaky')).trim()).toBe('3');
  });
});

describe('what cannot start', () => {
  test('an unknown image: ErrImagePull, until the image is there', async () => {
    const name = 'registry.test/later:1';
    node.pod('no-image', { restartPolicy: 'Never', containers: [node.sh('exit 0', { image: name })] });
    const pod = await node.until(
      'no-image',
      ({ status }) => waiting(status.containerStatuses[0])?.reason === 'ErrImagePull',
    );
    expect(pod.status.phase).toBe('Pending');
    expect(waiting(pod.status.containerStatuses[0])?.message).toContain(name);
    node.images.register(name, { entrypoint: ['/bin/sh', '-c'] });
    expect((await node.until('no-image', over)).status.phase).toBe('Succeeded');
  });

  test.each([
    { case: 'configMap', source: 'configMapKeyRef', message: 'configmap "absent" not found' },
    { case: 'secret', source: 'secretKeyRef', message: 'secret "absent" not found' },
  ])('a missing $case: CreateContainerConfigError', async ({ source, message }) => {
    const name = `no-${source.toLowerCase()}`;
    const env = [{ name: 'A', valueFrom: { [source]: { name: 'absent', key: 'k' } } }];
    node.pod(name, { restartPolicy: 'Never', containers: [node.sh('exit 0', { env })] });
    const pod = await node.until(
      name,
      ({ status }) => waiting(status.containerStatuses[0])?.reason === 'CreateContainerConfigError',
    );
    expect(waiting(pod.status.containerStatuses[0])?.message).toBe(message);
    node.storage.remove('pods', 'ns', name);
    await node.gone(name);
  });

  test.each([
    { case: 'a bare name', command: ['no-such-program'], message: 'executable file not found in $PATH' },
    { case: 'a path', command: ['/no/such/program'], message: 'no such executable file' },
  ])('a command that is not there: StartError ($case)', async ({ command, message }) => {
    const name = `no-command-${command[0]?.startsWith('/') ? 'path' : 'bare'}`;
    node.pod(name, { restartPolicy: 'Never', containers: [{ name: 'main', image: IMAGE, command }] });
    const { status } = await node.until(name, over);
    expect(status.phase).toBe('Failed');
    expect(terminated(status.containerStatuses[0])).toMatchObject({ exitCode: 128, reason: 'StartError' });
    expect(terminated(status.containerStatuses[0])?.message).toContain(message);
  });

  test('a file that is not executable', async () => {
    node.pod('noexec', {
      restartPolicy: 'Never',
      initContainers: [node.sh('echo "exit 0" > junk', { name: 'make' })],
      containers: [{ name: 'main', image: IMAGE, command: ['./junk'] }],
    });
    const { status } = await node.until('noexec', over);
    expect(terminated(status.containerStatuses[0])).toMatchObject({ exitCode: 128, reason: 'StartError' });
  });
});

describe('deletion', () => {
  test('SIGTERM, then removal of pod, output and folder', async () => {
    node.pod('deleted', {
      containers: [node.sh('trap "echo bye; exit 0" TERM; echo $$; while :; do sleep 0.02; done')],
    });
    await node.until('deleted', ({ status }) => status.phase === 'Running');
    await expect.poll(() => node.log('deleted')).toMatch(/^\d+\n$/);
    const pid = Number(await node.log('deleted'));
    node.storage.remove('pods', 'ns', 'deleted');
    await node.gone('deleted');
    expect(isAlive(pid)).toBe(false);
    await expect.poll(() => node.kubelet.logs.read('ns', 'deleted', 'main')).toBeUndefined();
  });

  test('SIGKILL to the whole group once the grace period is over, children of children included', async () => {
    const script = `trap "" TERM; sh -c 'trap "" TERM; echo $$; while :; do sleep 0.05; done' & echo $$; wait; while :; do sleep 0.05; done`;
    node.pod('stubborn', { terminationGracePeriodSeconds: 1, containers: [node.sh(script)] });
    await expect.poll(async () => (await node.log('stubborn')).trim().split('\n').length).toBe(2);
    const pids = (await node.log('stubborn')).trim().split('\n').map(Number);
    const begun = performance.now();
    node.storage.remove('pods', 'ns', 'stubborn');
    await sleep(300);
    expect(pids.map(isAlive)).toEqual([true, true]);
    await node.gone('stubborn');
    expect(performance.now() - begun).toBeGreaterThan(900);
    await Promise.all(pids.map(dead));
  });

  test('a second deletion with a shorter grace period counts', async () => {
    node.pod('hurried', {
      terminationGracePeriodSeconds: 600,
      containers: [node.sh('trap "" TERM; echo up; while :; do sleep 0.02; done')],
    });
    await expect.poll(() => node.log('hurried')).toBe('up\n');
    node.storage.remove('pods', 'ns', 'hurried');
    await sleep(50);
    expect(node.get('hurried')?.metadata.deletionTimestamp).toBeDefined();
    node.storage.remove('pods', 'ns', 'hurried', { gracePeriodSeconds: 1 });
    await node.gone('hurried');
  });

  test('by force: the object goes at once, and the process with it', async () => {
    node.pod('forced', { containers: [node.sh('trap "" TERM; echo $$; while :; do sleep 0.02; done')] });
    await expect.poll(() => node.log('forced')).toMatch(/^\d+\n$/);
    const pid = Number(await node.log('forced'));
    node.storage.remove('pods', 'ns', 'forced', { gracePeriodSeconds: 0 });
    expect(node.get('forced')).toBeUndefined();
    await dead(pid);
  });

  test('of a pod that waits for its image', async () => {
    node.pod('pending', { containers: [node.sh('exit 0', { image: 'registry.test/never:1' })] });
    await node.until('pending', ({ status }) => waiting(status.containerStatuses[0])?.reason === 'ErrImagePull');
    node.storage.remove('pods', 'ns', 'pending');
    await node.gone('pending');
  });

  test('in the same turn as its creation', async () => {
    node.pod('short-lived', { containers: [node.sh('sleep 60')] });
    node.storage.remove('pods', 'ns', 'short-lived');
    await node.gone('short-lived');
  });

  test('of a pod with a sidecar: it outlives the main container', async () => {
    node.pod('with-sidecar', {
      initContainers: [
        node.sh('trap "echo last; exit 0" TERM; while :; do sleep 0.02; done', { name: 's', restartPolicy: 'Always' }),
      ],
      containers: [node.sh('trap "sleep 0.2; exit 0" TERM; echo up; while :; do sleep 0.02; done')],
    });
    await expect.poll(() => node.log('with-sidecar')).toBe('up\n');
    node.storage.remove('pods', 'ns', 'with-sidecar');
    await sleep(50);
    expect(running(node.get('with-sidecar')?.status.initContainerStatuses?.[0])).toBeDefined();
    await node.gone('with-sidecar');
  });
});

test('two containers of one pod share its port, two pods do not', async () => {
  const containers = [
    node.sh('echo $PORT $METRICS_PORT', { name: 'a' }),
    node.sh('echo $PORT $METRICS_PORT', { name: 'b' }),
  ];
  node.pod('ports-1', { restartPolicy: 'Never', containers });
  node.pod('ports-2', { restartPolicy: 'Never', containers });
  const [one] = await Promise.all([node.until('ports-1', over), node.until('ports-2', over)]);
  expect(await node.log('ports-1', 'a')).toBe(await node.log('ports-1', 'b'));
  expect(await node.log('ports-1', 'a')).not.toBe(await node.log('ports-2', 'a'));
  expect((await node.log('ports-1', 'a')).split(' ')[0]).toBe(one.metadata.annotations?.['local.knative-lambda/port']);
});
