import { afterEach, describe, expect, test } from 'vitest';
import { autoscaling, busy, createWorld, NAMESPACE, sleep, until, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

describe('scaling', () => {
  test('no pod ever holds more than containerConcurrency, nor are there more than max-scale', async () => {
    const app = busy(40);
    world = await createWorld({ app });
    world.apply('fn', {
      image: 'app',
      annotations: autoscaling({ 'max-scale': '3' }),
      spec: { containerConcurrency: 2 },
    });
    await world.ready('fn');

    const answers = await Promise.all(Array.from({ length: 40 }, () => world.call('fn')));

    expect(answers.every((answer) => answer.status === 200)).toBe(true);
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(3);
    expect(app.most()).toBe(2);
    expect(world.kubelet.peak).toBe(3);
  });

  test('spreads requests over pods by load', async () => {
    world = await createWorld({ app: busy(1000) });
    world.apply('fn', { image: 'app', annotations: autoscaling({ 'min-scale': '2', 'max-scale': '2' }) });
    await world.ready('fn');

    const answers = await Promise.all(Array.from({ length: 10 }, () => world.call('fn')));

    const [one, other] = new Set(answers.map((answer) => answer.text));
    expect(answers.filter((answer) => answer.text === one)).toHaveLength(5);
    expect(answers.filter((answer) => answer.text === other)).toHaveLength(5);
  });

  test('min-scale pods stay, and are made before the Service is ready', async () => {
    world = await createWorld({ app: busy(0) });
    world.apply('fn', { image: 'app', annotations: autoscaling({ 'min-scale': '2' }) });

    await world.ready('fn');

    expect(world.kubelet.running.size).toBe(2);
    await sleep(1000);
    expect(world.kubelet.running.size).toBe(2);
  });

  test('initial-scale 0 makes no pod until somebody asks', async () => {
    world = await createWorld({ app: busy(0) });
    world.apply('fn', { image: 'app', annotations: autoscaling({ 'initial-scale': '0' }) });

    await world.ready('fn');

    expect(world.kubelet.peak).toBe(0);
    expect((await world.call('fn')).status).toBe(200);
    expect(world.kubelet.peak).toBe(1);
  });

  test('takes pods away without breaking what they are answering', async () => {
    world = await createWorld({ app: busy(1500) });
    world.apply('fn', {
      image: 'app',
      spec: { containerConcurrency: 1 },
      // By requests per second, so that requests which last make no demand: one of the two pods is soon too many.
      annotations: autoscaling({ metric: 'rps', target: '2', 'initial-scale': '0', 'max-scale': '2' }),
    });
    await world.ready('fn');

    const answers = await Promise.all([world.call('fn'), world.call('fn')]);

    expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
    expect(world.kubelet.peak).toBe(2);
    await until(() => world.kubelet.running.size === 0, 'all pods to go');
  });

  test('keeps pods for the scale-down-delay', async () => {
    world = await createWorld({ app: busy(0) }, { stableWindowSeconds: 0.2, scaleToZeroGraceSeconds: 0 });
    world.apply('kept', { image: 'app', annotations: autoscaling({ 'scale-down-delay': '2s' }) });
    world.apply('gone', { image: 'app' });
    await Promise.all([world.ready('kept'), world.ready('gone')]);
    await Promise.all([world.call('kept'), world.call('gone')]);

    await until(() => world.kubelet.running.size === 1, 'one of two to go', 1500);

    expect([...world.kubelet.running.keys()][0]).toMatch(/^kept-/);
    await until(() => world.kubelet.running.size === 0, 'the other to go');
  });

  test('a pod that dies is replaced', async () => {
    world = await createWorld({ app: busy(0) });
    world.apply('fn', { image: 'app', annotations: autoscaling({ 'min-scale': '1' }) });
    await world.ready('fn');
    const [lost] = world.kubelet.running.keys();

    await world.kubelet.kill(lost ?? '', NAMESPACE);
    const answer = await world.call('fn');

    expect(answer.status).toBe(200);
    expect(answer.text).not.toBe(lost);
    await until(() => !world.storage.get('pods', NAMESPACE, lost ?? ''), 'the dead pod to be removed');
  });

  test('a new Serving over the same objects carries on with the pods there are', async () => {
    world = await createWorld({ app: busy(0) });
    world.apply('fn', { image: 'app', annotations: autoscaling({ 'min-scale': '1' }) });
    await world.ready('fn');
    const before = [...world.kubelet.running.keys()];

    await world.restart();
    await sleep(100);

    expect((await world.call('fn')).text).toBe(before[0]);
    expect([...world.kubelet.running.keys()]).toEqual(before);
    expect(world.storage.list('revisions.serving.knative.dev')).toHaveLength(1);
  });
});
