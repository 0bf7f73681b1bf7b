/** The image that a build leaves in the registry, layer by layer. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { afterAll, expect, test } from 'vitest';
import { hashTree } from '#local/kaniko/hash-tree.ts';
import { ContentStore } from '#local/registry/content-store.ts';
import { findImage } from '#local/registry/find-image.ts';
import { Kaniko } from './run-kaniko.ts';

const kaniko = new Kaniko();
const contents = new ContentStore(kaniko.directory);
afterAll(() => kaniko.close());

const REPOSITORY = 'registry.test/a/parser';

function imageOf(reference: string) {
  const image = findImage(contents, REPOSITORY, reference);
  if (image === undefined) {
    throw new Error(`no ${reference}`);
  }
  return image;
}

async function entriesOf(digest: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Readable.from(contents.readBlob(digest)).pipe(createGunzip()).pipe(extract())) {
    const { name, uid, gid } = entry.header;
    names.push(uid === 0 && gid === 0 ? name : `${name} of ${uid}:${gid}`);
    entry.resume();
  }
  return names;
}

const DOCKERFILE = `FROM docker.io/library/node:24-slim
WORKDIR /app
ENV A=1
COPY package.json ./
RUN mkdir node_modules && echo installed > node_modules/x && echo gone > temporary
COPY . .
RUN rm temporary && rm -r old && echo new > package.json
USER 65532:65532
CMD ["node", "main.js"]
`;
const FILES = { Dockerfile: DOCKERFILE, 'package.json': '{}', 'main.js': '1', 'old/a': 'a', 'old/b': 'b' };

test('a layer for each step that changed files, named in the history as Kaniko names it', async () => {
  const { digest, output } = await kaniko.build(FILES);
  expect(output).not.toContain('error');
  const { layers, config } = imageOf(digest);
  const history = config.history?.map(({ created_by }) => created_by) ?? [];
  expect(history.slice(1)).toEqual([
    'WORKDIR /app',
    'COPY package.json ./',
    'RUN mkdir node_modules && echo installed > node_modules/x && echo gone > temporary',
    'COPY . .',
    'RUN rm temporary && rm -r old && echo new > package.json',
  ]);
  expect(layers).toHaveLength(history.length);
  expect(config.rootfs.diff_ids).toHaveLength(history.length);
  expect(await Promise.all(layers.map(({ digest: layer }) => entriesOf(layer)))).toEqual([
    [],
    ['app/'],
    ['app/package.json'],
    ['app/node_modules/', 'app/node_modules/x', 'app/temporary'],
    ['app/Dockerfile', 'app/main.js', 'app/old/', 'app/old/a', 'app/old/b', 'app/package.json'],
    ['app/.wh.old', 'app/.wh.temporary', 'app/package.json'],
  ]);
  expect(config.config).toMatchObject({
    User: '65532:65532',
    WorkingDir: '/app',
    Cmd: ['node', 'main.js'],
    Env: expect.arrayContaining(['A=1']),
  });
});

test('the layers make the very folder that the build left', async () => {
  const { digest } = await kaniko.build({ ...FILES, 'bin/tool': { content: '#!/bin/sh\n', mode: 0o755 } });
  const { rootfs } = await kaniko.image(`${REPOSITORY}@${digest}`);
  const built = hashTree(rootfs);
  rmSync(join(kaniko.directory, 'images'), { recursive: true });
  const again = await kaniko.image(`${REPOSITORY}@${digest}`);
  expect(hashTree(again.rootfs)).toBe(built);
});

test('a change of the code keeps the layers below it, restored or not', async () => {
  const one = imageOf((await kaniko.build(FILES)).digest);
  const restored = await kaniko.build({ ...FILES, 'main.js': '2' });
  expect(restored.output).toContain('Using caching version of cmd: RUN mkdir');
  const two = imageOf(restored.digest);
  expect(two.layers.slice(0, 4)).toEqual(one.layers.slice(0, 4));
  expect(two.layers[4]).not.toEqual(one.layers[4]);
  expect(two.config.history).toEqual(one.config.history);
  const three = imageOf((await kaniko.build({ ...FILES, 'main.js': '2' }, ['--cache=false'])).digest);
  expect(three).toEqual(two);
});

test('cached layers that the registry has lost are built again', async () => {
  await kaniko.build(FILES);
  rmSync(join(kaniko.directory, 'registry'), { recursive: true });
  const { output, digest } = await kaniko.build(FILES);
  expect(output).not.toContain('Using caching version');
  const { layers } = imageOf(digest);
  expect(layers.every((layer) => existsSync(contents.path(layer.digest)))).toBe(true);
  expect((await kaniko.build(FILES)).output).toContain('Using caching version');
});

test('of several stages only those that the image is made of have layers', async () => {
  const dockerfile = `FROM node AS tools
WORKDIR /out
RUN echo built > tool
FROM node AS base
WORKDIR /app
FROM base
COPY --from=tools /out/tool ./
`;
  const { digest } = await kaniko.build({ Dockerfile: dockerfile });
  const { layers, config } = imageOf(digest);
  expect(config.history?.slice(1).map(({ created_by }) => created_by)).toEqual([
    'WORKDIR /app',
    'COPY --from=tools /out/tool ./',
  ]);
  expect(await entriesOf(layers[2]?.digest ?? '')).toEqual(['app/tool']);
});

test('a file that would be taken for a whiteout is refused by name', async () => {
  const { exitCode, output } = await kaniko.build({ Dockerfile: 'FROM node\nCOPY . /app/\n', 'a/.wh.b': 'x' });
  expect(exitCode).toBe(1);
  expect(output).toContain('/app/a/.wh.b: a name that begins with .wh. means a deleted file');
});

test('Python files keep their time, which their cache holds; nothing else does', async () => {
  const dockerfile = 'FROM node\nWORKDIR /app\nRUN touch -d @1700000000 a.py a.js\n';
  const { digest } = await kaniko.build({ Dockerfile: dockerfile });
  const layer = imageOf(digest).layers.at(-1)?.digest ?? '';
  const times: Record<string, number> = {};
  for await (const entry of Readable.from(readFileSync(contents.path(layer)))
    .pipe(createGunzip())
    .pipe(extract())) {
    times[entry.header.name] = (entry.header.mtime?.getTime() ?? -1) / 1000;
    entry.resume();
  }
  expect(times).toEqual({ 'app/a.js': 0, 'app/a.py': 1_700_000_000 });
});
