import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { zstdDecompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { extract, type Header } from 'tar-stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { RetryableError } from '#shared/events/errors.ts';
import { contextArchive } from '#shared/packing/archive.ts';
import type { GeneratedFile } from '#shared/packing/types.ts';
import { type Files, list, storeWith } from '#test/languages/conformance/sources.ts';

const ours: GeneratedFile[] = [{ path: '.knative-lambda/Dockerfile', content: Buffer.from('FROM scratch\n') }];

async function archive(files: Files, generated = ours): Promise<{ bytes: Buffer; buildKey: string; size: number }> {
  const store = storeWith(files);
  const listing = await list(store);
  const { body, done } = contextArchive(store, listing, listing.files, generated);
  const bytes = await buffer(body);
  const packed = await done;
  return { bytes, buildKey: packed.buildKey, size: packed.bytes };
}

/** The files. */
async function untar(bytes: Buffer): Promise<{ header: Header; content: Buffer }[]> {
  return (await unpacked(bytes)).filter(({ header }) => header.type === 'file');
}

async function unpacked(bytes: Buffer): Promise<{ header: Header; content: Buffer }[]> {
  const entries: { header: Header; content: Buffer }[] = [];
  const tar = extract();
  tar.on('entry', (header, stream, next) => {
    void buffer(stream).then((content) => {
      entries.push({ header, content });
      next();
    });
  });
  tar.end(zstdDecompressSync(bytes));
  await once(tar, 'finish');
  return entries;
}

afterEach(() => {
  vi.useRealTimers();
});

describe('a context archive', () => {
  test("begins with its folder, whose mode Kaniko gives to the image's", async () => {
    const [folder] = await unpacked((await archive({ a: '' })).bytes);
    expect(folder?.header).toMatchObject({ name: './', type: 'directory', mode: 0o755, uid: 0, mtime: new Date(0) });
  });

  test('has every file, ours among them, by path', async () => {
    const { bytes, size } = await archive({ 'parser.py': 'def handler(e): ...', 'lib/a.txt': '', 'Z.txt': 'z' });
    const entries = await untar(bytes);
    expect(entries.map(({ header, content }) => [header.name, content.toString()])).toEqual([
      ['.knative-lambda/Dockerfile', 'FROM scratch\n'],
      ['Z.txt', 'z'],
      ['lib/a.txt', ''],
      ['parser.py', 'def handler(e): ...'],
    ]);
    for (const { header } of entries) {
      expect(header).toMatchObject({
        uid: 0,
        gid: 0,
        uname: '',
        gname: '',
        mode: 0o644,
        mtime: new Date(0),
        type: 'file',
      });
    }
    expect(size).toBe(bytes.length);
  });

  test.each([
    { case: 'a script', content: '#!/bin/sh\n', mode: 0o755 },
    { case: 'a compiled program', content: Buffer.from('\x7fELF\x02', 'latin1'), mode: 0o755 },
    { case: 'a text', content: '# !/bin/sh', mode: 0o644 },
    { case: 'one byte', content: '#', mode: 0o644 },
  ])('gives $case its mode', async ({ content, mode }) => {
    const entries = await untar((await archive({ file: content }, [])).bytes);
    expect(entries[0]?.header.mode).toBe(mode);
    expect(entries[0]?.content).toEqual(Buffer.from(content));
  });

  test('holds any path and content', async () => {
    const segment = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 80 })
      .filter(
        (text) => !/[/\p{Cc}\p{Cs}\\]/u.test(text) && text !== '.' && text !== '..' && Buffer.byteLength(text) <= 255,
      );
    const path = fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => `d/${segments.join('/')}`);
    await fc.assert(
      fc.asyncProperty(path, fc.uint8Array({ maxLength: 2000 }), async (name, bytes) => {
        fc.pre(name.normalize('NFC') === name);
        const [entry] = await untar((await archive({ [name]: Buffer.from(bytes) }, [])).bytes);
        expect(entry?.header.name).toBe(name);
        expect(entry?.content).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 60 },
    );
  });

  test('is the same to the byte at any time, in any order of upload and of reading', async () => {
    const files: Files = Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [`f${index}`, `${index}`.repeat(index * 10)]),
    );
    files['large'] = Buffer.alloc(3_000_000, 'large file ');
    const first = await archive(files);
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2031-01-01') });
    const second = await archive(Object.fromEntries(Object.entries(files).reverse()), [...ours].reverse());
    expect(second.buildKey).toBe(first.buildKey);
    expect(second.bytes.equals(first.bytes)).toBe(true);
  });

  test.each<{ case: string; files: Files; generated?: GeneratedFile[] }>([
    { case: 'content', files: { a: '2', b: '' } },
    { case: 'a name', files: { c: '1', b: '' } },
    { case: 'one file more', files: { a: '1', b: '', c: '' } },
    { case: 'a mode', files: { a: '1', b: '#!' } },
    { case: 'where one file ends and the next begins', files: { a: '', b: '1' } },
    { case: 'the Dockerfile', files: { a: '1', b: '' }, generated: [] },
  ])('has another build key after a change of $case', async ({ files, generated }) => {
    const { buildKey } = await archive({ a: '1', b: '' });
    expect(buildKey).toMatch(/^[0-9a-f]{64}$/);
    expect((await archive(files, generated)).buildKey).not.toBe(buildKey);
  });

  test.each([
    {
      case: 'replaced',
      change: (store: ReturnType<typeof storeWith>) => store.put('source', 'global/parser/p1/b', '3'),
    },
    {
      case: 'removed',
      change: (store: ReturnType<typeof storeWith>) => store.remove('source', ['global/parser/p1/b']),
    },
  ])('breaks where a file is $case meanwhile', async ({ change }) => {
    const store = storeWith({ a: '1', b: '2' });
    const listing = await list(store);
    await change(store);
    const { body, done } = contextArchive(store, listing, listing.files, []);
    await expect(buffer(body)).rejects.toMatchObject({ reason: 'SourceChanging' });
    await expect(done).rejects.toBeInstanceOf(RetryableError);
  });

  test('ends without a trace where its reader goes away', async () => {
    const store = storeWith({ a: Buffer.alloc(8_000_000, '0123456789'), b: '2' });
    const listing = await list(store);
    const { body, done } = contextArchive(store, listing, listing.files, []);
    body.destroy();
    await expect(done).rejects.toThrow();
  });
});
