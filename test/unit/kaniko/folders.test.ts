/** Folders as layers: copies, digests, the bounded cache. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyTree } from '#local/kaniko/copy-tree.ts';
import { hashTree } from '#local/kaniko/hash-tree.ts';
import { LayerCache } from '#local/kaniko/layer-cache.ts';
import { removeTree } from '#local/kaniko/remove-tree.ts';

let folder: string;
let source: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'folders-'));
  source = join(folder, 'source');
  mkdirSync(join(source, 'sub/closed'), { recursive: true });
  writeFileSync(join(source, 'sub/file'), 'content');
  writeFileSync(join(source, 'sub/closed/inner'), 'x');
  symlinkSync('../absent', join(source, 'sub/link'));
  utimesSync(join(source, 'sub/file'), 1000, 1000);
  chmodSync(join(source, 'sub/closed'), 0o555);
});
afterEach(() => {
  removeTree(folder);
  expect(existsSync(folder)).toBe(false);
});

test('a copy keeps modes, times and links as they are written', () => {
  const target = join(folder, 'target');
  copyTree(source, target);
  expect(readlinkSync(join(target, 'sub/link'))).toBe('../absent');
  expect(statSync(join(target, 'sub/file')).mtimeMs).toBe(1_000_000);
  expect(statSync(join(target, 'sub/closed')).mode & 0o777).toBe(0o555);
  expect(hashTree(target)).toBe(hashTree(source));
});

test('a copy merges, replaces files, links and folders of other kinds', () => {
  const target = join(folder, 'target');
  mkdirSync(join(target, 'sub/file/was-a-folder'), { recursive: true });
  writeFileSync(join(target, 'kept'), '');
  writeFileSync(join(target, 'outside'), 'outside');
  symlinkSync(join(target, 'outside'), join(target, 'sub/link'));
  copyTree(source, target);
  expect(readdirSync(target).sort()).toEqual(['kept', 'outside', 'sub']);
  expect(statSync(join(target, 'sub/file')).isFile()).toBe(true);
  expect(readlinkSync(join(target, 'sub/link'))).toBe('../absent');
});

describe('the digest of a folder', () => {
  test.each([
    { case: 'a name', change: () => writeFileSync(join(source, 'new'), '') },
    { case: 'content', change: () => writeFileSync(join(source, 'sub/file'), 'Content') },
    { case: 'a mode', change: () => chmodSync(join(source, 'sub/file'), 0o755) },
    {
      case: 'a link',
      change: () => {
        rmSync(join(source, 'sub/link'));
        symlinkSync('elsewhere', join(source, 'sub/link'));
      },
    },
  ])('changes with $case', ({ change }) => {
    const before = hashTree(source);
    change();
    expect(hashTree(source)).not.toBe(before);
  });

  test('does not change with a time, nor with what is skipped', () => {
    const before = hashTree(source);
    utimesSync(join(source, 'sub/file'), 2000, 2000);
    writeFileSync(join(source, 'ignored'), '');
    expect(hashTree(source, (path) => path.endsWith('ignored'))).toBe(before);
  });
});

describe('the layer cache', () => {
  const layers = (cache: LayerCache, keys: string[]) => keys.filter((key) => cache.has(key));
  const age = (key: string, seconds: number) => {
    const repository = readdirSync(join(folder, 'layers')).find((name) =>
      existsSync(join(folder, 'layers', name, key)),
    );
    utimesSync(join(folder, 'layers', repository ?? '', key), seconds, seconds);
  };

  test('keeps what was used last, over all repositories', () => {
    const one = new LayerCache(folder, 'one', 3);
    const two = new LayerCache(folder, 'two', 3);
    for (const [index, key] of ['a', 'b', 'c'].entries()) {
      one.save(key, source);
      age(key, 1000 + index);
    }
    expect(one.restore('a', join(folder, 'restored'))).toBe(true);
    expect(hashTree(join(folder, 'restored'))).toBe(hashTree(source));
    two.save('d', source);
    expect(layers(one, ['a', 'b', 'c'])).toEqual(['a', 'c']);
    expect(two.has('d')).toBe(true);
    expect(two.has('a')).toBe(false);
  });

  test('a layer that is gone is no layer, and leaves nothing half done', () => {
    const cache = new LayerCache(folder, 'one');
    expect(cache.restore('none', join(folder, 'restored'))).toBe(false);
    cache.save('a', source);
    const [repository = ''] = readdirSync(join(folder, 'layers'));
    removeTree(join(folder, 'layers', repository, 'a', 'rootfs'));
    expect(cache.restore('a', join(folder, 'restored'))).toBe(false);
    expect(existsSync(join(folder, 'restored'))).toBe(false);
  });
});
