/** What a node makes of the images in the registry. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ImageStore } from '#local/kubelet/images.ts';
import { type Entry, TestRegistry } from './start.ts';

let registry: TestRegistry;
let images: ImageStore;
beforeEach(async () => {
  registry = new TestRegistry();
  await registry.start();
  images = new ImageStore(registry.directory);
});
afterEach(() => registry.close());

const NAME = 'registry.local/acme/parser';
const push = (layers: Entry[][], change = {}) => registry.pushImage('acme/parser', layers, change);
async function pull(reference = `${NAME}:v1`): Promise<string> {
  const image = await images.resolve(reference);
  if (image === undefined) {
    throw new Error(`no ${reference}`);
  }
  return image.rootfs;
}
const read = (rootfs: string, path: string) => readFileSync(join(rootfs, path), 'utf8');
const inImages = () => readdirSync(join(registry.directory, 'images')).filter((name) => name.startsWith('.'));

test('layers are unpacked in their order, with the configuration', async () => {
  const digest = await push([
    [
      { name: 'app/', type: 'directory' },
      { name: 'app/changed', content: 'old' },
      { name: 'app/deleted', content: 'x' },
      { name: 'emptied/old', content: 'x' },
      { name: 'app/tool', content: '#!/bin/sh', mode: 0o755 },
      { name: 'becomes-folder', content: 'x' },
    ],
    [
      { name: 'app/changed', content: 'new' },
      { name: 'app/.wh.deleted' },
      { name: 'emptied/new', content: 'y' },
      { name: 'emptied/.wh..wh..opq' },
      { name: 'app/link', type: 'symlink', linkname: 'tool' },
      { name: 'app/same', type: 'link', linkname: 'app/tool' },
      { name: 'dev/null', type: 'character-device' },
      { name: 'becomes-folder/', type: 'directory' },
    ],
  ]);
  const image = await images.resolve(`${NAME}@${digest}`);
  expect(image).toMatchObject({ digest, base: 'node', workingDir: '/app', cmd: ['node'] });
  const rootfs = image?.rootfs ?? '';
  expect(read(rootfs, 'app/changed')).toBe('new');
  expect(existsSync(join(rootfs, 'app/deleted'))).toBe(false);
  expect(readdirSync(join(rootfs, 'emptied'))).toEqual(['new']);
  expect(statSync(join(rootfs, 'app/tool')).mode & 0o777).toBe(0o755);
  expect(readlinkSync(join(rootfs, 'app/link'))).toBe('tool');
  expect(read(rootfs, 'app/same')).toBe('#!/bin/sh');
  expect(existsSync(join(rootfs, 'dev/null'))).toBe(false);
  expect(lstatSync(join(rootfs, 'becomes-folder')).isDirectory()).toBe(true);
  expect(inImages()).toEqual([]);
});

test('another last layer changes nothing of the image before it', async () => {
  const below: Entry[] = [{ name: 'app/dependency.js', content: 'below' }];
  const first = await push([below, [{ name: 'app/a.js', content: 'one' }]]);
  const before = await pull(`${NAME}@${first}`);
  await push([
    below,
    [
      { name: 'app/a.js', content: 'two' },
      { name: 'app/dependency.js', content: 'replaced' },
    ],
  ]);
  const after = await pull();
  expect([read(before, 'app/a.js'), read(before, 'app/dependency.js')]).toEqual(['one', 'below']);
  expect([read(after, 'app/a.js'), read(after, 'app/dependency.js')]).toEqual(['two', 'replaced']);
  expect(readdirSync(join(registry.directory, 'images/chains'))).toHaveLength(1);
});

test('two functions with the same layers share no file', async () => {
  const layers = [[{ name: 'app/adapter.js', content: 'x' }], [{ name: 'app/a.js', content: 'a' }]];
  await push(layers);
  await registry.pushImage('acme/other', [...layers, [{ name: 'app/b.js' }]]);
  writeFileSync(join(await pull(), 'app/adapter.js'), 'spoilt');
  expect(read(await pull('registry.local/acme/other:v1'), 'app/adapter.js')).toBe('x');
});

test('pods that ask at once get the same', async () => {
  await push([[{ name: 'a', content: 'x' }], [{ name: 'b', content: 'y' }]]);
  const all = await Promise.all(Array.from({ length: 5 }, () => pull()));
  expect(new Set(all).size).toBe(1);
});

describe('hostile layers', () => {
  test.each<{ case: string; entries: Entry[] }>([
    { case: 'a name with ..', entries: [{ name: '../out', content: 'x' }] },
    { case: 'a name with .. in the middle', entries: [{ name: 'a/../../out', content: 'x' }] },
    { case: 'a whiteout of ..', entries: [{ name: '.wh...' }] },
    {
      case: 'a file by way of a link',
      entries: [
        { name: 'l', type: 'symlink', linkname: '../../..' },
        { name: 'l/out', content: 'x' },
      ],
    },
    {
      case: 'a hard link by way of a link',
      entries: [
        { name: 'l', type: 'symlink', linkname: '../../..' },
        { name: 'out', type: 'link', linkname: 'l/ports.json' },
      ],
    },
    { case: 'a hard link to ..', entries: [{ name: 'out', type: 'link', linkname: '../../../ports.json' }] },
  ])('$case', async ({ entries }) => {
    writeFileSync(join(registry.directory, 'ports.json'), '{}');
    await push([entries]);
    await expect(pull()).rejects.toThrow(/leads out of the image|which is no folder/);
    expect(existsSync(join(registry.directory, 'out'))).toBe(false);
    expect(readdirSync(registry.directory).sort()).toEqual(['images', 'ports.json', 'registry']);
    expect(inImages()).toEqual([]);
  });

  test('an absolute name is one within the image, and a link is replaced rather than followed', async () => {
    const outside = join(registry.directory, 'outside');
    writeFileSync(outside, 'untouched');
    await push([
      [
        { name: '/etc/passwd', content: 'x' },
        { name: 'f', type: 'symlink', linkname: outside },
      ],
      [{ name: 'f', content: 'written' }],
    ]);
    const rootfs = await pull();
    expect(read(rootfs, 'etc/passwd')).toBe('x');
    expect(read(rootfs, 'f')).toBe('written');
    expect(readFileSync(outside, 'utf8')).toBe('untouched');
  });

  test('other content than the configuration says', async () => {
    await push([[{ name: 'a' }]], { diffIds: [`sha256:${'0'.repeat(64)}`] });
    await expect(pull()).rejects.toThrow('where the image');
  });
});

describe('images of versions before the registry', () => {
  const hex = 'a'.repeat(64);
  beforeEach(() => {
    const folder = join(registry.directory, 'images', hex);
    mkdirSync(join(folder, 'rootfs'), { recursive: true });
    const config = { base: 'node', workingDir: '/app', entrypoint: [], cmd: ['node'], env: {} };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    const tags = join(registry.directory, 'images/tags', encodeURIComponent(NAME));
    mkdirSync(tags, { recursive: true });
    for (const name of ['v1', `sha256-${hex}`]) {
      writeFileSync(join(tags, name), hex);
    }
  });

  test.each([`${NAME}:v1`, `${NAME}@sha256:${hex}`])('still run: %s', async (reference) => {
    expect(await images.resolve(reference)).toMatchObject({ digest: `sha256:${hex}`, workingDir: '/app' });
  });

  test('and give way to what is pushed now', async () => {
    const digest = await push([[{ name: 'a' }]]);
    expect(await images.resolve(`${NAME}:v1`)).toMatchObject({ digest });
  });
});

test('an image whose folder is gone is unpacked again', async () => {
  await push([[{ name: 'a', content: 'x' }], [{ name: 'b', content: 'y' }]]);
  await pull();
  rmSync(join(registry.directory, 'images'), { recursive: true });
  expect(read(await pull(), 'b')).toBe('y');
});
