/** However the platform ends, no process of a pod stays behind. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { dead, isAlive, startNode } from './start-node.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) {
    rmSync(directory, { recursive: true, force: true });
  }
});

const FAMILY = 'trap "" TERM; (trap "" TERM; while :; do sleep 0.05; done) & echo $! $$; while :; do sleep 0.05; done';

test('close() ends containers, sidecars and their children, even such as ignore SIGTERM', async () => {
  const node = startNode();
  node.pod('family', {
    initContainers: [node.sh(FAMILY, { name: 'side', restartPolicy: 'Always' })],
    containers: [node.sh(FAMILY)],
  });
  await expect.poll(() => node.log('family', 'side')).toMatch(/\d+ \d+\n/);
  await expect.poll(() => node.log('family')).toMatch(/\d+ \d+\n/);
  const output = `${await node.log('family')} ${await node.log('family', 'side')}`;
  const pids = output.trim().split(/\s+/).map(Number);
  expect(pids.map(isAlive)).toEqual([true, true, true, true]);
  await node.close();
  await Promise.all(pids.map(dead));
});

test('a container that ends takes its children along', async () => {
  const node = startNode();
  try {
    node.pod('parent', { restartPolicy: 'Never', containers: [node.sh('sleep 60 & echo $!')] });
    await node.until('parent', ({ status }) => status.phase === 'Succeeded');
    await dead(Number(await node.log('parent')));
  } finally {
    await node.close();
  }
});

test('close() while a pod starts, and twice in a row', async () => {
  const node = startNode();
  node.pod('starting', { containers: [node.sh('sleep 60')] });
  await node.kubelet.close();
  await node.close();
});

test.each(['SIGKILL', 'SIGTERM', 'exit', 'throw'])('a platform that ends by %s', async (how) => {
  const directory = mkdtempSync(join(tmpdir(), 'orphans-'));
  directories.push(directory);
  const program = `
    import { createStorage } from '${import.meta.dirname}/../../../local/kubernetes/storage.ts';
    import { ImageStore } from '${import.meta.dirname}/../../../local/kubelet/images.ts';
    import { startKubelet } from '${import.meta.dirname}/../../../local/kubelet/kubelet.ts';
    const storage = createStorage();
    const images = new ImageStore(process.argv[1]);
    images.register('sh', { entrypoint: ['/bin/sh', '-c'] });
    const kubelet = startKubelet({ storage, images, directory: process.argv[1], kubeconfig: '' });
    storage.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default' },
      spec: { containers: [{ name: 'c', image: 'sh', args: [${JSON.stringify(FAMILY.replaceAll('$$', '$$$$$$$$'))}] }] } });
    let pids;
    while (!(pids = (await kubelet.logs.read('default', 'p', 'c'))?.toString())) await new Promise((r) => setTimeout(r, 10));
    process.stdout.write(pids);
    if (process.argv[2] === 'exit') setTimeout(() => process.exit(0), 50);
    if (process.argv[2] === 'throw') setTimeout(() => { throw new Error('on purpose') }, 50);
    setInterval(() => {}, 1000);
  `;
  const platform = spawn(process.execPath, ['--input-type=module', '-e', program, directory, how], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const pids = await new Promise<number[]>((resolve) =>
    platform.stdout.once('data', (data: Buffer) => resolve(data.toString().trim().split(/\s+/).map(Number))),
  );
  expect(pids).toHaveLength(2);
  if (how.startsWith('SIG')) {
    platform.kill(how as NodeJS.Signals);
  }
  await Promise.all(pids.map(dead));
});
