/** `kn event send`, as people have it: nothing but ids, no subject. Skipped where there is none. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering } from '#test/contract/sources.ts';
import { World } from '#test/contract/world.ts';

const COMMANDS = [['kn-event'], ['kn', 'event']];
const [program = '', ...first] = COMMANDS.find(([name = '', ...rest]) => works(name, [...rest, 'version'])) ?? [];

function works(name: string, args: string[]): boolean {
  return spawnSync(name, args).status === 0;
}

let world: World;
let directory: string;
beforeAll(async () => {
  world = await new World().open();
  directory = await mkdtemp(join(tmpdir(), 'knative-lambda-kn-event-'));
  await writeFile(join(directory, 'kubeconfig'), world.platform.kubeconfig, { mode: 0o600 });
});
afterAll(async () => {
  await world.close();
  await rm(directory, { recursive: true });
});

test.for(["the broker's address", 'broker:default'])('kn event send --to %s starts a build', async (to, { skip }) => {
  skip(program === '', 'neither kn-event, nor kn with its plugin event, is in PATH');
  const identity = world.parser('by-kn');
  await world.upload(identity, answering('by kn'));

  const sink = to === 'broker:default' ? to : world.platform.brokerUrl;
  const fields = Object.entries(identity).flatMap(([name, value]) => ['--field', `${name}=${value}`]);
  const args = ['send', '--type', 'build.start', ...fields, '--to', sink, '--namespace', world.platform.namespace];
  await promisify(execFile)(program, [...first, ...args], {
    env: { ...process.env, KUBECONFIG: join(directory, 'kubeconfig') },
  });

  expect((await world.seen('build.complete', identity)).data).toMatchObject({ ...identity, status: 'success' });
});
