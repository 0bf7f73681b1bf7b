import { afterEach, describe, expect, test } from 'vitest';
import { autoscaling, busy, createWorld, NAMESPACE, sleep, until, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

describe('the gateway', () => {
  test('starts a pod for the first request, holds 50 that come together, and lets none fail', async () => {
    world = await createWorld({ app: busy(20, 100) });
    world.apply('fn', { image: 'app' });
    await world.ready('fn');
    await until(() => world.kubelet.running.size === 0, 'the initial pod to go');

    const answers = await Promise.all(Array.from({ length: 50 }, () => world.call('fn')));

    expect(answers.map((answer) => answer.status)).toEqual(Array(50).fill(200));
    expect(world.kubelet.peak).toBe(1);
    await until(() => world.kubelet.running.size === 0, 'the pod to go again');
  });

  test.each([
    { case: 'the local domain', host: `fn.${NAMESPACE}.localhost`, status: 200, text: /^fn-00001-deployment-/ },
    { case: 'a port', host: `fn.${NAMESPACE}.localhost:8081`, status: 200, text: /deployment/ },
    { case: 'upper case', host: `FN.${NAMESPACE}.LOCALHOST`, status: 200, text: /deployment/ },
    { case: 'the cluster', host: `fn.${NAMESPACE}.svc.cluster.local`, status: 200, text: /deployment/ },
    { case: 'its short form', host: `fn.${NAMESPACE}.svc`, status: 200, text: /deployment/ },
    { case: 'no function', host: '127.0.0.1:8081', status: 404, text: /SERVICE\.NAMESPACE\.localhost/ },
    {
      case: 'another namespace',
      host: 'fn.other.localhost',
      status: 404,
      text: /no Service "fn" in namespace "other"/,
    },
    { case: 'too many names', host: `a.fn.${NAMESPACE}.localhost`, status: 404, text: /SERVICE/ },
  ])('takes the host of $case', async ({ host, status, text }) => {
    world = await createWorld({ app: busy(0) });
    world.apply('fn', { image: 'app' });
    await world.ready('fn');

    const answer = await world.call('fn', { host });

    expect(answer).toMatchObject({ status, text: expect.stringMatching(text) });
  });

  test('passes path, body, headers and answer on', async () => {
    world = await createWorld({
      echo: {
        serve: () => (request, response) => {
          const chunks: Buffer[] = [];
          request.on('data', (chunk: Buffer) => chunks.push(chunk));
          request.on('end', () => {
            const { method, url, headers } = request;
            response.writeHead(418, 'Teapot', { 'x-answer': ['one', 'two'], 'content-type': 'application/json' });
            response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }));
          });
        },
      },
    });
    world.apply('fn', { image: 'echo' });
    await world.ready('fn');
    const headers = {
      'ce-id': '1',
      'k-original': 'kept',
      connection: 'x-hop',
      'x-hop': 'gone',
    };

    const answer = await world.call('fn', { path: '/a/b?c=%20d', method: 'POST', body: 'the body', headers });

    expect(answer).toMatchObject({ status: 418, headers: { 'x-answer': 'one, two' } });
    const seen = JSON.parse(answer.text);
    expect(seen).toMatchObject({ method: 'POST', url: '/a/b?c=%20d', body: 'the body' });
    expect(seen.headers).toMatchObject({
      host: `fn.${NAMESPACE}.localhost`,
      'ce-id': '1',
      'k-original': 'kept',
    });
    expect(seen.headers).not.toHaveProperty('x-hop');
  });

  test('asks another pod where one is gone that nobody missed yet', async () => {
    world = await createWorld({ app: busy(0) });
    world.apply('fn', { image: 'app', annotations: autoscaling({ 'min-scale': '2' }) });
    await world.ready('fn');
    const [lost] = world.kubelet.running.keys();
    await world.kubelet.vanish(lost ?? '');

    const answers = await Promise.all(
      Array.from({ length: 10 }, () => world.call('fn', { method: 'POST', body: 'x' })),
    );

    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(200));
  });

  test('answers 504 when a function takes longer than it may, and 502 when it dies over the request', async () => {
    world = await createWorld({
      app: busy(5000),
      dying: { serve: () => (request) => request.socket.destroy() },
    });
    world.apply('slow', { image: 'app', spec: { timeoutSeconds: 1 } });
    world.apply('dying', { image: 'dying' });
    await Promise.all([world.ready('slow'), world.ready('dying')]);

    const [slow, dying] = await Promise.all([world.call('slow'), world.call('dying')]);

    expect(slow).toMatchObject({ status: 504, text: 'request timeout' });
    expect(dying.status).toBe(502);
  });

  test('cuts off an answer that outlasts the limit, since it can no longer be called a failure', async () => {
    const serve = () => (_: unknown, response: { write(text: string): void }) => response.write('begun');
    world = await createWorld({ endless: { serve } });
    world.apply('fn', { image: 'endless', spec: { timeoutSeconds: 1 } });
    await world.ready('fn');

    await expect(world.call('fn')).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });

  test('gives up the place in the queue of a caller that went away', async () => {
    const app = busy(100);
    world = await createWorld({ app });
    world.apply('fn', {
      image: 'app',
      annotations: autoscaling({ 'max-scale': '1' }),
      spec: { containerConcurrency: 1 },
    });
    await world.ready('fn');
    const first = world.call('fn');
    await sleep(30);
    const leaver = new AbortController();
    const left = world.call('fn', { signal: leaver.signal }).catch(() => 'left');
    await sleep(10);
    leaver.abort();
    expect(await left).toBe('left');

    const answers = await Promise.all([first, world.call('fn')]);

    expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
    expect(app.served()).toBe(2);
  });
});
