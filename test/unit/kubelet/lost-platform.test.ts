/** What the next platform finds of the pods of one that was killed. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { losePods } from '#local/kubelet/lose-pods.ts';
import { createPodLogFiles } from '#local/kubelet/pod-log-files.ts';
import { awaitFormerEnd } from '#local/run/lock-directory.ts';
import { startNode, type TestNode } from './start-node.ts';

let node: TestNode;
let directory: string;
beforeEach(() => {
  node = startNode();
  directory = mkdtempSync(join(tmpdir(), 'lost-'));
});
afterEach(async () => {
  await node.close();
  rmSync(directory, { recursive: true, force: true });
});

const conditionsOf = (name: string) =>
  Object.fromEntries((node.get(name)?.status.conditions ?? []).map(({ type, status }) => [type, status]));

test('one that is never restarted has failed by disruption, one that is restarted is gone, one that has ended stays', async () => {
  node.pod('build', { restartPolicy: 'Never', containers: [node.sh('exec sleep 60')] });
  node.pod('function', { containers: [node.sh('exec sleep 60')] });
  node.pod('done', { restartPolicy: 'Never', containers: [node.sh('exit 0')] });
  await node.until('build', ({ status }) => status.phase === 'Running');
  await node.until('function', ({ status }) => status.phase === 'Running');
  const done = await node.until('done', ({ status }) => status.phase === 'Succeeded');
  await node.kubelet.close();

  losePods(node.storage);

  expect(node.get('build')?.status).toMatchObject({
    phase: 'Failed',
    message: 'the embedded platform ended while this pod was running',
  });
  expect(conditionsOf('build')).toMatchObject({ DisruptionTarget: 'True', Ready: 'False', PodScheduled: 'True' });
  expect(node.get('function')).toBeUndefined();
  expect(node.get('done')).toEqual(done);
});

test('one that no node had taken yet runs on the next', async () => {
  await node.kubelet.close();
  node.pod('early', { restartPolicy: 'Never', containers: [node.sh('exit 0')] });
  const before = node.get('early');

  losePods(node.storage);

  expect(node.get('early')).toEqual(before);
});

test('logs stay as long as their pods, over any number of platforms', async () => {
  node.pod('done', { restartPolicy: 'Never', containers: [node.sh('echo of-done')] });
  node.pod('gone', { restartPolicy: 'Never', containers: [node.sh('echo of-gone')] });
  await node.until('done', ({ status }) => status.phase === 'Succeeded');
  await node.until('gone', ({ status }) => status.phase === 'Succeeded');
  await node.kubelet.close();
  node.storage.remove('pods', 'ns', 'gone', { gracePeriodSeconds: 0 });

  const logs = createPodLogFiles(join(node.directory, 'logs'), node.storage);

  expect((await logs.read('ns', 'done', 'main'))?.toString()).toBe('of-done\n');
  expect(await logs.read('ns', 'gone', 'main')).toBeUndefined();
  expect(readdirSync(join(node.directory, 'logs', 'ns'))).toHaveLength(1);
});

test('the guard’s file says how long it works; nobody waits for one that is not there, or not alive', async () => {
  const file = join(directory, 'guard.pid');
  const guard = spawn('sh', ['-c', 'sleep 0.5; rm -f "$0"; sleep 5', file]);
  writeFileSync(file, `${guard.pid}\n`);
  const began = performance.now();

  await awaitFormerEnd(file);

  expect(performance.now() - began).toBeGreaterThan(400);
  expect(existsSync(file)).toBe(false);
  guard.kill();
  writeFileSync(file, 'rubbish');
  await awaitFormerEnd(file);
  mkdirSync(join(directory, 'none'));
  await awaitFormerEnd(join(directory, 'none', 'guard.pid'));
  expect(performance.now() - began).toBeLessThan(4000);
});

test('a kubelet’s own guard leaves no file behind', async () => {
  const file = join(node.directory, 'orphan-guard.pid');
  expect(existsSync(file)).toBe(true);
  await node.kubelet.close();
  expect(existsSync(file)).toBe(false);
});
