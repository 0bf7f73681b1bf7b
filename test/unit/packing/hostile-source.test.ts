/** What a client can put into S3 becomes the same tree in a layer, read by tar, or is refused by name. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { codeLayer } from '#shared/packing/code-layer.ts';
import { pathProblems } from '#shared/packing/safe-paths.ts';
import { list, prefix, storeWith } from '#test/languages/conformance/sources.ts';
import { HOSTILE_TREE } from './hostile-tree.ts';

const run = promisify(execFile);

/** Path, mode and content of every file, as the system's tar unpacks the layer. */
async function unpacked(files: Record<string, string>): Promise<Record<string, readonly [number, string]>> {
  const store = storeWith(files);
  const listing = await list(store);
  const directory = await mkdtemp(join(tmpdir(), 'knative-lambda-hostile-'));
  try {
    const layer = codeLayer(store, listing, listing.files, [], '/app');
    await writeFile(join(directory, 'layer.tar.gz'), await buffer(layer.open()));
    await run('tar', ['-xpzf', 'layer.tar.gz'], { cwd: directory });
    const root = join(directory, 'app');
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    const paths = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
    const found = await Promise.all(
      paths.map(async (path) => {
        const { mode } = await stat(path);
        return [path.slice(root.length + 1), [mode & 0o7777, await readFile(path, 'utf8')]] as const;
      }),
    );
    return Object.fromEntries(found);
  } finally {
    await rm(directory, { recursive: true });
  }
}

const treeOf = (files: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(files).map(([path, content]) => [path, [content.startsWith('#!') ? 0o755 : 0o644, content]]),
  );

test('names of every byte, of every length, that differ only in case: the same tree', async () => {
  expect(Object.keys(HOSTILE_TREE).length).toBeGreaterThan(500);
  expect(await unpacked(HOSTILE_TREE)).toEqual(treeOf(HOSTILE_TREE));
});

test('as many files as are allowed: the same tree; 50,000: refused by name', async () => {
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index % 100}/${index}`, `${index}`]));
  const allowed = many(10_000);
  expect(await unpacked(allowed)).toEqual(treeOf(allowed));
  await expect(list(storeWith(many(50_000)))).rejects.toMatchObject({
    reason: 'TooManyFiles',
    message: expect.stringContaining('10000'),
  });
});

test.each([
  ['every control character', ...Array.from({ length: 0x20 }, (_, code) => `a${String.fromCharCode(code)}b`), '\x7f'],
  ['those of Latin-1', ...Array.from({ length: 0x20 }, (_, code) => `a${String.fromCharCode(0x80 + code)}`)],
  ['what stands for bytes that are no UTF-8', 'a\ufffdb'],
  ['half a character', 'a\ud834b'],
  ['whiteouts', '.wh.x', 'a/.wh.x', '.wh..wh..opq', 'a/.wh..wh.plnk/b', '.wh.'],
  ['ways out', '../x', 'a/../../x', '/etc/passwd', './a', 'a/./b', 'a//b', '//a', '..', '.'],
  ['backslashes', '..\\x', 'a\\b', '\\'],
  ['names of 256 and 300 bytes', 'n'.repeat(256), 'n'.repeat(300), `a/${'é'.repeat(150)}/b`, 'é'.repeat(128)],
  ['our own folder', '.knative-lambda/x', '.KNATIVE-LAMBDA/x', '.knative-lambda'],
])('refused by name: %s', (_, ...paths) => {
  expect(pathProblems(paths).map(({ path }) => path)).toEqual(paths);
});

test('a file and a folder of one name, and one name in two forms: refused by name', async () => {
  const both = { 'parser.mjs': '', a: 'file', 'a/b': 'in a folder', 'cafe\u0301': '1', 'caf\u00e9': '2' };
  await expect(list(storeWith(both))).rejects.toMatchObject({
    reason: 'UnsafePath',
    message: expect.stringMatching(new RegExp(`${prefix}a/b.*needs a folder|Unicode form`)),
  });
  expect(pathProblems(Object.keys(both)).length).toBe(2);
});
