import { afterEach, describe, expect, test } from 'vitest';
import { autoscaling, busy, createWorld, NAMESPACE, sleep, until, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

describe('revisions', () => {
  test('a Service becomes ready with its addresses, revision and traffic', async () => {
    world = await createWorld({ app: busy(0, 50) });
    world.apply('fn', { image: 'app' });
    await until(() => world.condition('fn', 'Ready') !== undefined, 'a status');
    expect(world.condition('fn', 'Ready')).toMatchObject({
      status: 'Unknown',
      reason: 'RevisionMissing',
      message: 'Configuration "fn" is waiting for a Revision to become ready.',
    });

    await world.ready('fn');

    const port = new URL(world.serving.url).port;
    expect(world.service('fn')?.['status']).toMatchObject({
      observedGeneration: 1,
      url: `http://fn.${NAMESPACE}.localhost:${port}`,
      address: { url: `http://fn.${NAMESPACE}.svc.cluster.local` },
      latestCreatedRevisionName: 'fn-00001',
      latestReadyRevisionName: 'fn-00001',
      conditions: [
        { type: 'ConfigurationsReady', status: 'True' },
        { type: 'Ready', status: 'True' },
      ],
    });
  });

  test('its pods carry names, labels, owner and environment as Knative gives them', async () => {
    world = await createWorld({ app: busy(0) });
    world.apply('fn', {
      image: 'app',
      container: { env: [{ name: 'MINE', value: '1' }] },
      spec: { timeoutSeconds: 7 },
    });
    await world.ready('fn');

    const [pod] = world.storage.list('pods', { labelSelector: 'serving.knative.dev/service=fn' });

    expect(pod?.metadata.name).toMatch(/^fn-00001-deployment-[a-z0-9]{5}$/);
    expect(pod?.metadata.labels).toMatchObject({
      'serving.knative.dev/revision': 'fn-00001',
      'serving.knative.dev/configuration': 'fn',
    });
    expect(pod?.metadata.ownerReferences).toMatchObject([{ kind: 'Revision', name: 'fn-00001', controller: true }]);
    expect(pod?.['spec']).toMatchObject({ restartPolicy: 'Always', terminationGracePeriodSeconds: 7 });
    expect(pod?.['spec'].containers[0]).toMatchObject({
      name: 'user-container',
      image: 'app',
      terminationMessagePolicy: 'FallbackToLogsOnError',
      env: [
        { name: 'MINE', value: '1' },
        { name: 'K_REVISION', value: 'fn-00001' },
        { name: 'K_CONFIGURATION', value: 'fn' },
        { name: 'K_SERVICE', value: 'fn' },
      ],
    });
  });

  test('a new template rolls over without a failed request; the old pods go; metadata alone makes no revision', async () => {
    world = await createWorld({ old: busy(30), new: busy(30, 100) });
    const service = world.apply('fn', { image: 'old' });
    await world.ready('fn');
    service.metadata.annotations = { note: 'changed' };
    world.storage.update({
      ...world.service('fn'),
      metadata: { ...world.service('fn')?.metadata, annotations: { note: '1' } },
    } as never);
    await sleep(50);
    expect(world.storage.list('revisions.serving.knative.dev')).toHaveLength(1);

    const answers: Promise<{ status: number; text: string }>[] = [];
    const caller = setInterval(() => answers.push(world.call('fn')), 5);
    await sleep(50);
    world.apply('fn', { image: 'new' });
    await until(() => world.service('fn')?.['status'].latestReadyRevisionName === 'fn-00002', 'the second revision');
    await sleep(150);
    clearInterval(caller);
    const seen = await Promise.all(answers);

    expect(seen.every((answer) => answer.status === 200)).toBe(true);
    expect(new Set(seen.map((answer) => answer.text.slice(0, 8)))).toEqual(new Set(['fn-00001', 'fn-00002']));
    await until(
      () => [...world.kubelet.running.keys()].every((pod) => pod.startsWith('fn-00002')),
      'the old pods to go',
    );
    expect(world.condition('fn', 'Ready')?.status).toBe('True');
  });

  test('requests that wait for the old revision are answered by the new one', async () => {
    world = await createWorld({ old: busy(2000), new: busy(0) });
    const spec = { containerConcurrency: 1 };
    const annotations = autoscaling({ 'max-scale': '1' });
    world.apply('fn', { image: 'old', spec, annotations });
    await world.ready('fn');
    const first = world.call('fn');
    await sleep(50);
    const second = world.call('fn');
    await sleep(50);
    world.apply('fn', { image: 'new', spec, annotations });

    const answers = [await second, await first];

    expect(answers.map((answer) => answer.text.slice(0, 8))).toEqual(['fn-00002', 'fn-00001']);
  });

  test('a container that fails says why, and callers hear it', async () => {
    world = await createWorld({ broken: { exitCode: 1, message: 'Error: Cannot find module x\n' } });
    world.apply('fn', { image: 'broken' });

    await until(() => world.condition('fn', 'Ready')?.status === 'False', 'the Service to fail');

    expect(world.condition('fn', 'ConfigurationsReady')).toMatchObject({
      status: 'False',
      reason: 'RevisionFailed',
      message: 'Revision "fn-00001" failed with message: Container failed with: Error: Cannot find module x.',
    });
    expect(world.condition('fn', 'Ready')).toMatchObject({
      reason: 'RevisionMissing',
      message: 'Configuration "fn" does not have any ready Revision.',
    });
    const answer = await world.call('fn');
    expect(answer).toMatchObject({ status: 503, text: expect.stringContaining('Cannot find module x') });
  });

  test('a bad second revision leaves the first one answering', async () => {
    world = await createWorld({ good: busy(0), broken: { exitCode: 3, message: 'no' } });
    world.apply('fn', { image: 'good' });
    await world.ready('fn');
    world.apply('fn', { image: 'broken' });

    await until(() => world.condition('fn', 'Ready')?.status === 'False', 'the Service to fail');

    expect(world.condition('fn', 'Ready')).toMatchObject({
      reason: 'RevisionFailed',
      message: 'Revision "fn-00002" failed with message: Container failed with: no.',
    });
    expect((await world.call('fn')).text).toMatch(/^fn-00001/);
  });

  test.each([
    { case: 'an image that is not there', image: 'missing', message: 'there is no image missing', deadline: '600s' },
    {
      case: 'a container that never listens',
      image: 'mute',
      message: 'Initial scale was never achieved',
      deadline: '1s',
    },
  ])('$case fails the Service and leaves no pod past the deadline', async ({ image, message, deadline }) => {
    world = await createWorld({ mute: { ...busy(0), startMilliseconds: 3000 } });
    world.apply('fn', { image, annotations: { 'serving.knative.dev/progress-deadline': deadline } });

    await until(() => world.condition('fn', 'ConfigurationsReady')?.status === 'False', 'the Service to fail');

    expect(world.condition('fn', 'ConfigurationsReady')?.message).toContain(message);
    if (deadline === '1s') {
      await until(() => world.storage.list('pods').every((pod) => pod.metadata.deletionTimestamp), 'its pods to go');
    }
  });

  test('deleting the Service deletes revisions and pods, and sends away who waits', async () => {
    world = await createWorld({ app: busy(0, 300) });
    world.apply('fn', { image: 'app', annotations: autoscaling({ 'initial-scale': '0' }) });
    await world.ready('fn');
    const waiting = world.call('fn');
    await until(() => world.storage.list('pods').length === 1, 'a pod for it');

    world.storage.remove('services.serving.knative.dev', NAMESPACE, 'fn');

    expect((await waiting).status).toBe(404);
    await until(() => world.storage.list('pods').length === 0, 'the pods to go');
    expect(world.storage.list('revisions.serving.knative.dev')).toEqual([]);
    expect((await world.call('fn')).status).toBe(404);
  });

  test('of those that nobody asks any more, the last three stay', async () => {
    world = await createWorld({ app: busy(0) });
    for (let n = 1; n <= 6; n += 1) {
      world.apply('fn', { image: 'app', container: { env: [{ name: 'N', value: String(n) }] } });
      await until(
        () => world.service('fn')?.['status']?.latestReadyRevisionName === `fn-0000${n}`,
        `revision ${n} to be ready`,
      );
    }
    const names = () => world.storage.list('revisions.serving.knative.dev').map(({ metadata }) => metadata.name);

    await until(() => names().length === 4, 'the oldest to be gone');
    await world.restart();
    await sleep(100);

    expect(names()).toEqual(['fn-00003', 'fn-00004', 'fn-00005', 'fn-00006']);
    expect((await world.call('fn')).status).toBe(200);
  });
});
