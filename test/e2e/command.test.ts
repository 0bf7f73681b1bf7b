/** The command against a real cluster, with nothing but a kubeconfig and a token. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { World } from '#test/contract/world.ts';

const COMMAND = join(import.meta.dirname, '../../cli/kn-lambda/main.ts');

let world: World;
let home: string;
beforeAll(async () => {
  world = await new World().open();
  home = await mkdtemp(join(tmpdir(), 'kn-lambda-e2e-'));
  await writeFile(join(home, 'kubeconfig'), world.platform.kubeconfig, { mode: 0o600 });
});
afterAll(async () => {
  await world.close();
  await rm(home, { recursive: true });
});

async function command(
  token: string | undefined,
  ...args: string[]
): Promise<{ code: unknown; out: string; err: string }> {
  const place = ['--kubeconfig', join(home, 'kubeconfig'), '--namespace', world.platform.namespace];
  const environment = { PATH: process.env['PATH'], HOME: home, ...(token ? { KN_LAMBDA_TOKEN: token } : {}) };
  return await new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, ...args, ...place], { cwd: home, env: environment }, (error, out, err) =>
      resolve({ code: error ? error.code : 0, out, err }),
    );
  });
}

test('a function is seen, called, read and explained, and nobody else sees it', async () => {
  const { tokens } = world.platform;
  const identity = world.parser('by-command');
  const name = `${identity.third_party_id}/${identity.parser_id}`;
  const says = 'export function handler() {\n  console.log("heard");\n  return "by command";\n}\n';
  await world.upload(identity, { 'parser.mjs': says });
  await world.send({ type: 'build.start', data: identity });
  await world.seen('lifecycle.function.ready', identity, undefined, 120);

  const invoked = await command(tokens?.acme, 'invoke', name, '--data', '{}');
  expect(invoked).toMatchObject({ code: 0 });
  expect(invoked.out).toContain('by command');
  const listed = await command(tokens?.acme, 'list');
  expect(listed).toMatchObject({ code: 0, out: expect.stringContaining(name) });
  const logs = await command(tokens?.acme, 'logs', name);
  expect(logs).toMatchObject({ code: 0, out: expect.stringContaining('heard') });
  for (const verb of [['describe'], ['explain', 'function']]) {
    expect(await command(tokens?.acme, ...verb, name)).toMatchObject({ code: 0, err: '' });
  }

  if (tokens) {
    expect(await command(tokens.mallory, 'describe', name)).toMatchObject({ code: 1, out: '' });
    expect((await command(tokens.mallory, 'list')).out).not.toContain(identity.parser_id);
    expect(await command('forged', 'list')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('does not accept the token'),
    });
    expect(await command(undefined, 'list')).toMatchObject({
      code: 1,
      err: expect.stringContaining('wants to know who you are'),
    });
  }
});
