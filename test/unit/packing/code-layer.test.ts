import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { extract, type Header } from 'tar-stream';
import { describe, expect, test } from 'vitest';
import { PermanentError } from '#shared/events/errors.ts';
import { contextArchive } from '#shared/packing/archive.ts';
import { codeLayer } from '#shared/packing/code-layer.ts';
import { listSource } from '#shared/packing/list-source.ts';
import { pathProblems } from '#shared/packing/safe-paths.ts';
import type { GeneratedFile } from '#shared/packing/types.ts';
import type { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { hostileText } from '#test/fuzz/hostile.ts';
import { type Files, list, prefix, storeWith } from '#test/languages/conformance/sources.ts';
import { LARGE_SOURCE } from './large-source.ts';
import { SMALL_TREE } from './small-tree.ts';

const run = promisify(execFile);
const ours: GeneratedFile[] = [{ path: '.knative-lambda/function.json', content: Buffer.from('{}') }];

async function layerOf(files: Files, generated = ours) {
  const store = storeWith(files);
  const listing = await list(store);
  return codeLayer(store, listing, listing.files, generated, '/app');
}

async function headersOf(compressed: Buffer, decompress: (bytes: Buffer) => Buffer = gunzipSync): Promise<Header[]> {
  const headers: Header[] = [];
  const tar = extract();
  tar.on('entry', (header, content, next) => {
    headers.push(header);
    content.on('end', next).resume();
  });
  tar.end(decompress(compressed));
  await once(tar, 'finish');
  return headers;
}

/** Every file: its mode and content. A map, since a file may be called `__proto__`. */
type Tree = Map<string, [mode: string, content: string]>;

/** What the system's tar makes of it, below `folder` of the archive. */
async function unpack(gzipped: Buffer, folder: string): Promise<Tree> {
  const directory = await mkdtemp(join(tmpdir(), 'knative-lambda-layer-'));
  try {
    await writeFile(join(directory, 'layer.tar.gz'), gzipped);
    await run('tar', ['-xpzf', 'layer.tar.gz'], { cwd: directory });
    await rm(join(directory, 'layer.tar.gz'));
    return await readTree(join(directory, folder));
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function readTree(root: string): Promise<Tree> {
  const tree: Tree = new Map();
  for (const { name, parentPath } of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(parentPath, name);
    const { mode, mtimeMs } = await lstat(path);
    expect(mtimeMs).toBe(0);
    if ((mode & 0o170_000) === 0o040_000) {
      expect(mode).toBe(0o040_755);
    } else {
      tree.set(path.slice(root.length + 1), [mode.toString(8), (await readFile(path)).toString('latin1')]);
    }
  }
  return tree;
}

/** The tree that a store's source should become. */
function treeOf(store: InMemoryObjectStore): Tree {
  const entries = store.keys('source', prefix).map((key): [string, [string, string]] => {
    const content = (store.peek('source', key) as Buffer).toString('latin1');
    return [key.slice(prefix.length), [content.startsWith('#!') ? '100755' : '100644', content]];
  });
  return new Map(entries);
}

describe('a layer of code', () => {
  test('has every folder once, before its content, and no trace of who made it and when', async () => {
    const headers = await headersOf(await buffer((await layerOf({ 'a-b': '', 'a/b/c': '', 'a/b/d/e': '#!' })).open()));
    expect(headers.map(({ name, mode }) => [name, mode])).toEqual([
      ['app/', 0o755],
      ['app/.knative-lambda/', 0o755],
      ['app/.knative-lambda/function.json', 0o644],
      ['app/a-b', 0o644],
      ['app/a/', 0o755],
      ['app/a/b/', 0o755],
      ['app/a/b/c', 0o644],
      ['app/a/b/d/', 0o755],
      ['app/a/b/d/e', 0o755],
    ]);
    for (const header of headers) {
      expect(header).toMatchObject({ uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0), pax: null });
    }
  });

  test('can be of our own files alone', async () => {
    const store = storeWith({ a: '1' });
    const layer = codeLayer(store, await list(store), [], ours, '/app');
    expect((await headersOf(await buffer(layer.open()))).map(({ name }) => name)).toEqual([
      'app/',
      'app/.knative-lambda/',
      'app/.knative-lambda/function.json',
    ]);
    expect(store.calls.filter((call) => call.startsWith('open'))).toEqual([]);
  });

  test('is this one for these files, on every machine', async () => {
    const layer = await layerOf(SMALL_TREE);
    const bytes = await buffer(layer.open());
    // Deflate, no flags, no time, fastest, Unix.
    expect(bytes.subarray(0, 10).toString('hex')).toBe('1f8b0800000000000403');
    expect(await layer.done).toEqual({
      diffId: 'sha256:36eb46076d3e6755fa0297d2d8db6bcd6ef9ee071a0cc8ab13d9c1118eadc9e8',
    });
  });

  test('does not depend on time zone, language and umask', async () => {
    const layer = await layerOf(SMALL_TREE);
    await buffer(layer.open());
    const script = `umask 077; exec "$0" "$1"`;
    const program = join(import.meta.dirname, 'small-tree.ts');
    const env = { ...process.env, TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8', SOURCE_DATE_EPOCH: '1' };
    const { stdout } = await run('sh', ['-c', script, process.execPath, program], { env });
    expect(JSON.parse(stdout)).toEqual(await layer.done);
  });

  test.each<{ case: string; files: Files }>([
    { case: 'content', files: { a: '2', b: '' } },
    { case: 'a name', files: { c: '1', b: '' } },
    { case: 'one file more', files: { a: '1', b: '', c: '' } },
    { case: 'a mode', files: { a: '1', b: '#!' } },
    { case: 'where one file ends and the next begins', files: { a: '', b: '1' } },
  ])('is another one after a change of $case', async ({ files }) => {
    const [before, after] = await Promise.all([layerOf({ a: '1', b: '' }), layerOf(files)]);
    await Promise.all([buffer(before.open()), buffer(after.open())]);
    expect(await after.done).not.toEqual(await before.done);
  });

  test('is the tree that the build context would become', async () => {
    const store = storeWith(SMALL_TREE);
    const listing = await list(store);
    const layer = await buffer(codeLayer(store, listing, listing.files, [], '/app').open());
    const context = await buffer(contextArchive(store, listing, listing.files, []).body);
    const filesOf = async (compressed: Buffer, folder: string, decompress: (bytes: Buffer) => Buffer) =>
      (await headersOf(compressed, decompress))
        .filter(({ type }) => type === 'file')
        .map(({ name, mode, uid, gid, mtime }) => ({ name: name.slice(folder.length), mode, uid, gid, mtime }));
    expect(await filesOf(layer, 'app/', gunzipSync)).toEqual(await filesOf(context, '', zstdDecompressSync));
    expect(await unpack(layer, 'app')).toEqual(treeOf(store));
  });
});

describe('a layer that is read again', () => {
  test('gives the same bytes, also after a reader has gone away', async () => {
    const layer = await layerOf({ a: Buffer.alloc(3_000_000, '0123456789'), b: '2' });
    const left = layer.open();
    await once(left, 'readable');
    left.destroy();
    const first = await buffer(layer.open());
    const second = await buffer(layer.open());
    expect(second.equals(first)).toBe(true);
    expect((await layer.done).diffId).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  test.each([
    { case: 'replaced', change: (store: InMemoryObjectStore) => store.put('source', `${prefix}b`, '3') },
    { case: 'removed', change: (store: InMemoryObjectStore) => store.remove('source', [`${prefix}b`]) },
  ])('breaks where a file was $case meanwhile', async ({ change }) => {
    const store = storeWith({ a: '1', b: '2' });
    const listing = await list(store);
    const layer = codeLayer(store, listing, listing.files, [], '/app');
    await buffer(layer.open());
    await change(store);
    await expect(buffer(layer.open())).rejects.toMatchObject({ reason: 'SourceChanging' });
  });

  test('breaks before its end where S3 gives other bytes under the same ETag', async () => {
    const store = storeWith({ a: '1' });
    const listing = await list(store);
    let content = '1';
    const lying = {
      open: async () => ({ body: Readable.from([Buffer.from(content)]), size: 1, etag: listing.files[0]?.etag ?? '' }),
    };
    const layer = codeLayer(lying, listing, listing.files, [], '/app');
    await buffer(layer.open());
    content = '2';
    await expect(buffer(layer.open())).rejects.toMatchObject({ reason: 'SourceChanging' });
  });
});

/** Names that mean something to a file system, a shell, a tar or a layer. */
const special = fc.constantFrom(
  ...['.wh.x', '.wh..wh..opq', '.wh.', '.wh', 'x.wh.x', '..data', '...', '.', '..', '', ' ', '-rf', '~', '*', '%2e%2e'],
  ...['PaxHeader', '@LongLink', 'GNUSparseFile.0', '.dockerignore', 'a', 'a', 'b', '99 path=evil', 'caf\u00e9'],
  ...[
    'cafe\u0301',
    'n'.repeat(100),
    'n'.repeat(155),
    'n'.repeat(255),
    'n'.repeat(256),
    'n'.repeat(300),
    'é'.repeat(127),
  ],
);
const segment = fc.oneof(special, hostileText, fc.string({ unit: 'binary', minLength: 1, maxLength: 90 }));
const path = fc.array(segment, { minLength: 1, maxLength: 8 }).map((segments) => segments.join('/'));

describe('a hostile source', () => {
  test('is refused by name, or becomes the same tree', async () => {
    const source = fc.array(fc.tuple(path, fc.string({ maxLength: 700 })), { minLength: 40, maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(source, async (files) => {
        const store = storeWith(
          Object.fromEntries([['parser.py', ''], ...files.filter(([key]) => key.isWellFormed())]),
        );
        const keys = store.keys('source', prefix).map((key) => key.slice(prefix.length));
        const refused = pathProblems(keys).map((problem) => problem.path);
        if (refused.length > 0) {
          await expect(list(store)).rejects.toThrow(PermanentError);
          await store.remove(
            'source',
            refused.map((key) => prefix + key),
          );
        }
        const listing = await list(store);
        const layer = codeLayer(store, listing, listing.files, [], '/app');
        expect(await unpack(await buffer(layer.open()), 'app')).toEqual(treeOf(store));
      }),
      { numRuns: 15 },
    );
  });

  test('has names and paths of every length that S3 allows', async () => {
    const names = Array.from({ length: 255 }, (_, index) => 'n'.repeat(index + 1));
    const paths = Array.from(
      { length: 990 },
      (_, index) => `p${'/n'.repeat(index >> 1)}${'x'.repeat(2 + (index & 1))}`,
    );
    const files = [...names, ...names.map((name) => `folders/${name}/f`), ...paths].map((name) => [name, name]);
    const store = storeWith(Object.fromEntries(files));
    const listing = await list(store);
    const layer = codeLayer(store, listing, listing.files, [], '/app');
    expect(await unpack(await buffer(layer.open()), 'app')).toEqual(treeOf(store));
  });

  test('of 50,000 files and one of 99 MB takes little memory', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'knative-lambda-layer-'));
    try {
      const layer = join(directory, 'layer.tar.gz');
      const program = join(import.meta.dirname, 'large-source.ts');
      // What lives takes 35 MB. With more room garbage is collected later.
      const options = ['--max-semi-space-size=1', '--max-old-space-size=64'];
      const { stdout } = await run(process.execPath, [...options, program, layer]);
      expect(Number(stdout)).toBeLessThan(120);
      const listed = await run('tar', ['-tvzf', layer], { maxBuffer: 1e8 });
      const files = listed.stdout.split('\n').flatMap((line) => /^-\S+\s+\S+\s+(\d+) .* app\/(.*)$/.exec(line) ?? []);
      expect(files.filter((_, index) => index % 3 !== 0)).toEqual(
        LARGE_SOURCE.flatMap(({ path, size }) => [`${size}`, path]),
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('cannot have more folders than files are allowed', async () => {
    const deep = (index: number) => [`${index}/${'a/'.repeat(200)}f`, ''];
    const store = storeWith(Object.fromEntries(Array.from({ length: 50 }, (_, index) => deep(index))));
    const limits = { bucket: 'source', prefix, maxBytes: 1e6 };
    await expect(listSource(store, { ...limits, maxFiles: 10_049 })).rejects.toMatchObject({ reason: 'TooManyFiles' });
    await expect(listSource(store, { ...limits, maxFiles: 10_050 })).resolves.toBeDefined();
  });
});
