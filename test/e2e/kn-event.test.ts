/** `kn event send`, as people have it: nothing but ids, no subject. Skipped where there is none. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Identity } from '#shared/events/identity.ts';
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

/** What kn event prints and exits with is its own matter; the event arrives or does not. */
async function send(to: string, identity: Identity, environment: Record<string, string> = {}): Promise<void> {
  const fields = Object.entries(identity).flatMap(([name, value]) => ['--field', `${name}=${value}`]);
  const args = ['send', '--type', 'build.start', ...fields, '--to', to, '--namespace', world.platform.namespace];
  const sent = promisify(execFile)(program, [...first, ...args], {
    env: { ...process.env, KUBECONFIG: join(directory, 'kubeconfig'), ...environment },
  });
  await sent.catch((error: { stderr?: string }) => {
    // Its Job, where the machine is slow: each of its pods has sent the event, and yet it says that all have failed.
    if (!error.stderr?.includes('the in-cluster sender failure')) {
      throw error;
    }
  });
}

const MISSING = 'neither kn-event, nor kn with its plugin event, is in PATH';

test.for(["the broker's address", 'broker:default'])(
  'kn event send --to %s starts a build, where events need not be signed',
  async (to, { skip }) => {
    skip(program === '', MISSING);
    const identity = world.parser('by-kn');
    await world.upload(identity, answering('by kn'));

    await send(to === 'broker:default' ? to : world.platform.brokerUrl, identity);

    if (world.platform.eventKey) {
      expect((await world.seen('event.rejected', identity)).data).toMatchObject({ reason: 'Unauthenticated' });
      expect(await world.jobs(identity)).toEqual([]);
    } else {
      expect((await world.seen('build.complete', identity)).data).toMatchObject({ ...identity, status: 'success' });
    }
  },
);

test('kn event send --to the gateway, with a token as password, starts a build', async ({ skip }) => {
  skip(program === '', MISSING);
  const { gatewayUrl, namespace, tokens } = world.platform;
  skip(!tokens, 'nobody has a token here');
  const identity = world.parser('by-token');
  await world.upload(identity, answering('by token'));

  // The gateway's name means nothing on this machine: the probe is the proxy that knows it.
  const url = `http://token:${tokens?.acme}@gateway.${namespace}.svc.cluster.local`;
  await send(url, identity, { HTTP_PROXY: gatewayUrl, http_proxy: gatewayUrl, NO_PROXY: '', no_proxy: '' });

  expect((await world.seen('build.complete', identity)).data).toMatchObject({ ...identity, status: 'success' });
});
