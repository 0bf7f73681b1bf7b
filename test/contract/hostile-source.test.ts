/** A source full of strange names is the same tree in the function, whoever has made its layer and unpacked it. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Identity } from '#shared/events/identity.ts';
import { HOSTILE_TREE } from '#test/unit/packing/hostile-tree.ts';
import { PATIENCE, until } from './until.ts';
import { World } from './world.ts';

/** Answers the path, mode and hash of every file below its folder. */
const LISTS_ITSELF = `
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = process.cwd();
export const handler = () => {
  const tree = {};
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(root.length + 1);
    if (!entry.isDirectory() && !name.startsWith('.knative-lambda/')) {
      const hash = createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 8);
      tree[name] = (lstatSync(path).mode & 0o7777).toString(8) + ' ' + hash;
    }
  }
  return tree;
};
`;

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

async function deploy(identity: Identity, data: object): Promise<string> {
  const builds = world.of('build.complete', identity).length;
  const before = world.of('lifecycle.function.ready', identity).length;
  await world.send({ type: 'build.start', data: { ...identity, ...data } });
  const complete = await until(
    'build.complete',
    async () => world.of('build.complete', identity)[builds],
    300 * PATIENCE,
  );
  expect(complete.data).toMatchObject({ status: 'success' });
  await until('to be ready', async () => world.of('lifecycle.function.ready', identity)[before], 120 * PATIENCE);
  return complete.data.image_uri;
}

async function treeIn(identity: Identity): Promise<unknown> {
  const before = world.of('parser.complete', identity).length;
  await world.send({ type: 'parser.start', subject: `${identity.third_party_id}/${identity.parser_id}`, data: {} });
  const answer = await until(
    'parser.complete',
    async () => world.of('parser.complete', identity)[before],
    120 * PATIENCE,
  );
  return answer.data.result;
}

function treeOf(files: Record<string, string>): Record<string, string> {
  const described = Object.entries(files).map(([path, content]) => [
    path,
    `${content.startsWith('#!') ? '755' : '644'} ${createHash('sha256').update(content).digest('hex').slice(0, 8)}`,
  ]);
  return Object.fromEntries(described);
}

test('put together by layers, built by Kaniko, and unpacked by Kaniko', { timeout: 900_000 * PATIENCE }, async () => {
  const identity = world.parser('hostile');
  const files: Record<string, string> = { ...HOSTILE_TREE, 'parser.mjs': LISTS_ITSELF };
  // An S3 that keeps its objects as files cannot hold some of the names.
  for (const name of await world.upload(identity, files)) {
    delete files[name];
  }
  expect(Object.keys(files).length).toBeGreaterThan(300);

  const image = await deploy(identity, {});
  expect(world.of('job.start', identity)).toEqual([]);
  expect(await treeIn(identity)).toEqual(treeOf(files));

  await deploy(identity, { force: true });
  expect(world.of('job.start', identity).length).toBe(1);
  expect(await treeIn(identity)).toEqual(treeOf(files));

  // The stand-in of a laptop builds from no image of ours.
  if (inject('platform').directory === undefined) {
    const above = world.parser('above-hostile');
    // A RUN makes Kaniko unpack what lies below it, and copies what it has unpacked into a layer of its own.
    const steps = ['USER 0', 'RUN cp -a /app /unpacked', 'USER 65532:65532', 'WORKDIR /unpacked'];
    await world.upload(above, { Dockerfile: `FROM ${image}\n${steps.join('\n')}\n` });
    await deploy(above, {});
    expect(await treeIn(above)).toEqual(treeOf(files));
  }
});
