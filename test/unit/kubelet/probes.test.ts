/** Probes: when a container counts as ready, and when it is ended. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { IMAGE, startNode, type TestNode, terminated } from './start-node.ts';

let node: TestNode;
beforeAll(() => {
  node = startNode();
});
afterAll(async () => {
  await node.close();
});

const server = (script: string, rest: Record<string, unknown>) => ({
  name: 'main',
  image: IMAGE,
  command: ['node', '-e', script],
  ...rest,
});
const ready = (pod: { status: { conditions: { type: string; status: string }[] } }) =>
  pod.status.conditions.find(({ type }) => type === 'Ready')?.status === 'True';

test('ready at once without a probe', async () => {
  node.pod('plain', { containers: [node.sh('sleep 60')] });
  await node.until('plain', ready);
});

test.each([
  { case: 'http', probe: { httpGet: { path: '/health', port: 8080 } } },
  { case: 'tcp', probe: { tcpSocket: { port: 0 } } },
  { case: 'a named port', probe: { httpGet: { path: '/health', port: 'web' } } },
])('ready once it answers: $case', async ({ case: kind, probe }) => {
  const script = `const answer = (q, r) => { r.statusCode = q.url === '/health' ? 204 : 500; r.end() };
    setTimeout(() => require('http').createServer(answer).listen(process.env.PORT, '127.0.0.1'), 300)`;
  const name = `ready-${kind.replaceAll(' ', '-')}`;
  const ports = [{ name: 'web', containerPort: 8080 }];
  node.pod(name, { containers: [server(script, { readinessProbe: probe, ports })] });
  const running = await node.until(name, ({ status }) => status.phase === 'Running');
  expect(ready(running)).toBe(false);
  expect(running.status.conditions).toContainEqual(
    expect.objectContaining({ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }),
  );
  await node.until(name, ready);
});

test('an http error is not ready', async () => {
  const script = `let n = 0; require('http').createServer((q, r) => { r.statusCode = ++n > 3 ? 200 : 503; r.end(); console.log(n) }).listen(process.env.PORT)`;
  node.pod('later', { containers: [server(script, { readinessProbe: { httpGet: { port: 8080 } } })] });
  await node.until('later', ready);
  expect((await node.log('later')).trim().split('\n').length).toBeGreaterThanOrEqual(4);
});

test('no longer ready after failureThreshold failures', async () => {
  const script = `let n = 0; require('http').createServer((q, r) => { r.statusCode = ++n === 1 ? 200 : 503; r.end() }).listen(process.env.PORT)`;
  const readinessProbe = { httpGet: { port: 8080 }, periodSeconds: 1, failureThreshold: 2 };
  node.pod('fails', { containers: [server(script, { readinessProbe })] });
  await node.until('fails', ready);
  await node.until('fails', (pod) => !ready(pod));
});

test('a dead one is ended by its liveness probe and restarted', async () => {
  const script = `require('http').createServer((q, r) => { r.statusCode = 500; r.end() }).listen(process.env.PORT)`;
  const livenessProbe = { httpGet: { port: 8080 }, periodSeconds: 1, failureThreshold: 3 };
  node.pod('dead', { terminationGracePeriodSeconds: 5, containers: [server(script, { livenessProbe })] });
  const pod = await node.until('dead', ({ status }) => (status.containerStatuses[0]?.restartCount ?? 0) > 0);
  expect(pod.status.containerStatuses[0]?.lastState.terminated?.exitCode ?? 143).toBe(143);
});

test('one that is slow to start is not ended before its liveness probe begins', async () => {
  const script = `setTimeout(() => require('http').createServer((q, r) => r.end()).listen(process.env.PORT), 1500)`;
  const livenessProbe = { tcpSocket: { port: 8080 }, initialDelaySeconds: 3, periodSeconds: 1, failureThreshold: 1 };
  node.pod('patient', { containers: [server(script, { livenessProbe })] });
  await new Promise((resolve) => setTimeout(resolve, 4500));
  const { status } = await node.until('patient', ready);
  expect(status.containerStatuses[0]?.restartCount).toBe(0);
});

test('a slow start is not a liveness failure while the startup probe runs; a startup that fails for good ends it', async () => {
  const livenessProbe = { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 1 };
  const startupProbe = { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 2 };
  node.pod('slow', { restartPolicy: 'Never', containers: [node.sh('exec sleep 60', { livenessProbe, startupProbe })] });
  const begun = performance.now();
  const { status } = await node.until('slow', (pod) => pod.status.phase === 'Failed');
  expect(terminated(status.containerStatuses[0])?.exitCode).toBe(143);
  expect(performance.now() - begun).toBeGreaterThan(350);
});

test('a sidecar holds the others back until its startup probe passes', async () => {
  const startupProbe = { tcpSocket: { port: 8080 }, periodSeconds: 5, failureThreshold: 10 };
  const listen = `console.log(Date.now() * 1e6); require('net').createServer().listen(process.env.PORT, '127.0.0.1')`;
  node.pod('ordered', {
    restartPolicy: 'Never',
    initContainers: [server(listen, { name: 's', restartPolicy: 'Always', startupProbe })],
    containers: [node.sh('date +%s%N')],
  });
  await node.until('ordered', (pod) => pod.status.phase === 'Succeeded');
  expect(Number(await node.log('ordered'))).toBeGreaterThan(Number(await node.log('ordered', 's')));
});
