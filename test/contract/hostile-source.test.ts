/** A source full of strange names is the same tree in the function, whoever has made its layer and unpacked it. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { HOSTILE_TREE } from '#test/unit/packing/hostile-tree.ts';
import { buildAgain, resultOf } from './build-again.ts';
import { PATIENCE } from './until.ts';
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

  const { data } = await buildAgain(world, identity);
  expect(world.of('job.start', identity)).toEqual([]);
  expect(await resultOf(world, identity)).toEqual(treeOf(files));

  await buildAgain(world, identity, { force: true });
  expect(world.of('job.start', identity).length).toBe(1);
  expect(await resultOf(world, identity)).toEqual(treeOf(files));

  // The stand-in of a laptop builds from no image of ours.
  if (inject('platform').directory === undefined) {
    const above = world.parser('above-hostile');
    // A RUN makes Kaniko unpack what lies below it, and copies what it has unpacked into a layer of its own.
    const steps = ['USER 0', 'RUN cp -a /app /unpacked', 'USER 65532:65532', 'WORKDIR /unpacked'];
    await world.upload(above, { Dockerfile: `FROM ${data.image_uri}\n${steps.join('\n')}\n` });
    await buildAgain(world, above);
    expect(await resultOf(world, above)).toEqual(treeOf(files));
  }
});
