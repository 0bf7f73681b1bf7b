/** A change of the code alone: a new image without a Job, on what an earlier build has installed. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Identity } from '#shared/events/identity.ts';
import { buildAgain, expectResult } from './build-again.ts';
import { answering, slowToBuild } from './sources.ts';
import { PATIENCE, until } from './until.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

/** Uploads and builds it, and waits until it is ready. Returns its image. */
async function deploy(identity: Identity, files: Record<string, string>): Promise<string> {
  await world.upload(identity, files);
  const { data } = await buildAgain(world, identity);
  expect(data).toMatchObject({ cached: false });
  return data.image_uri;
}

const node = (answer: number) => ({ 'parser.mjs': `export const handler = () => ${answer};\n` });
const python = (answer: number) => ({ 'parser.py': `def handler(event):\n    return ${answer}\n` });

test('of Node without dependencies: never a Job, and each version answers as it was uploaded', async () => {
  const identity = world.parser('quick');
  const first = await deploy(identity, node(1));
  await expectResult(world, identity, 1);
  const second = await deploy(identity, node(2));
  await expectResult(world, identity, 2);
  // The same source gives the same image again, by its digest.
  expect(await deploy(identity, { ...node(3), 'left.txt': 'x' })).not.toBe(second);
  expect(second).not.toBe(first);
  expect(world.of('job.start', identity)).toEqual([]);
  expect(await world.jobs(identity)).toEqual([]);
});

test('that needs no Job ends at once the Job of the source before it', async () => {
  const identity = world.parser('overtaken');
  await world.upload(identity, slowToBuild('slow', 600));
  await world.send({ type: 'build.start', data: identity });
  await world.seen('lifecycle.build.started', identity);

  await world.upload(identity, { ...answering('quick'), 'package.json': '{ "name": "quick", "version": "1.0.0" }' });
  await world.send({ type: 'build.start', data: identity });

  await world.seen('lifecycle.build.completed', identity);
  const ended = await until('the end of the older one', async () =>
    world.of('build.complete', identity).find(({ data }) => data.status !== 'success'),
  );
  expect(ended.data).toMatchObject({ status: 'superseded', reason: 'Superseded' });
});

test.runIf(inject('platform').languages.includes('python'))(
  'of Python: one Job installs, and later versions and other functions of the tenant are put on that',
  { timeout: 900_000 * PATIENCE },
  async () => {
    const identity = world.parser('installed');
    await deploy(identity, python(1));
    await expectResult(world, identity, 1);
    const jobs = world.of('job.start', identity).length;
    await deploy(identity, python(2));
    await expectResult(world, identity, 2);
    expect(world.of('job.start', identity).length).toBe(jobs);

    const other = world.parser('installed-too');
    await deploy(other, python(3));
    await expectResult(world, other, 3);
    expect(world.of('job.start', other)).toEqual([]);
  },
);

test.runIf(inject('platform').languages.includes('python') && inject('platform').directory)(
  'of Python: a Job installs again, by itself, what the registry has lost',
  { timeout: 900_000 * PATIENCE },
  async () => {
    // Nothing else of this run rests on this tenant's dependencies.
    const identity = world.parser('lost', 'forgotten');
    const image = await deploy(identity, python(1));
    const jobs = world.of('job.start', identity).length;
    expect(jobs).toBe(1);
    await deploy(identity, python(2));
    expect(world.of('job.start', identity).length).toBe(jobs);

    const [repository = ''] = image.split('@');
    await rm(join(world.platform.directory ?? '', 'registry/repositories', repository), { recursive: true });
    await deploy(identity, python(3));
    expect(world.of('job.start', identity).length).toBe(jobs + 1);
    await expectResult(world, identity, 3);
    // And the next change is put on what that has installed.
    await deploy(identity, python(4));
    await expectResult(world, identity, 4);
    expect(world.of('job.start', identity).length).toBe(jobs + 1);
  },
);

test('that fails when it is loaded is told by its own words, and the version before goes on answering', async () => {
  const identity = world.parser('spoilt');
  await deploy(identity, node(1));
  await world.upload(identity, { 'parser.mjs': 'export const handler = () => 2;\nthrow new Error("no such luck");\n' });
  await world.send({ type: 'build.start', data: identity });
  const told = await world.seen('lifecycle.function.failed', identity, undefined, 120);
  expect(told.data).toMatchObject({ ...identity, reason: 'FunctionNotReady' });
  expect(told.data.error_message).toContain('no such luck');
  await expectResult(world, identity, 1);
});
