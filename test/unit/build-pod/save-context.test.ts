/** What S3 holds becomes the gzip that Kaniko reads: of this version's archives, and of those before it. */
import { createReadStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { fetchContext } from '#build-pod/fetch.ts';
import { saveContext } from '#build-pod/save-context.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { contextArchive } from '#shared/packing/archive.ts';
import { contextKey, formerContextKey } from '#shared/specs/s3-keys.ts';
import { list, storeWith } from '#test/languages/conformance/sources.ts';

const ACME = { third_party_id: 'acme', parser_id: 'p1' };
const KEY = contextKey(ACME, 'a'.repeat(64));
const folder = mkdtempSync(join(tmpdir(), 'knative-lambda-save-'));
const file = join(folder, 'context.tar.gz');
afterAll(() => rmSync(folder, { recursive: true }));

async function packed(): Promise<Buffer> {
  const store = storeWith({ 'parser.py': 'x = 1\n'.repeat(500_000), 'b.bin': Buffer.alloc(2_000_000, 7) });
  const listing = await list(store);
  return await buffer(contextArchive(store, listing, listing.files, []).body);
}

test('an archive of this version: the same tar', async () => {
  const archive = await packed();
  await saveContext(Readable.from([archive]), KEY, file);
  expect(gunzipSync(readFileSync(file)).equals(zstdDecompressSync(archive))).toBe(true);
});

test('an archive of a version before: byte for byte', async () => {
  const archive = gzipSync('a tar');
  await saveContext(Readable.from([archive]), formerContextKey(ACME, 'a'.repeat(64)), file);
  expect(readFileSync(file).equals(archive)).toBe(true);
});

test('one byte that was spoilt is noticed', async () => {
  const archive = await packed();
  archive[archive.length >> 1] = (archive[archive.length >> 1] ?? 0) ^ 1;
  await expect(saveContext(Readable.from([archive]), KEY, file)).rejects.toThrow();
});

test('half an archive is fetched again', async () => {
  const archive = await packed();
  let opened = 0;
  const store: Pick<ObjectStore, 'open'> = {
    open: async () => {
      opened += 1;
      const body = Readable.from([opened === 1 ? archive.subarray(0, archive.length >> 1) : archive], {
        objectMode: false,
      });
      return { body, etag: 'e', size: archive.length };
    },
  };
  const save = (body: NodeJS.ReadableStream) => saveContext(body, KEY, file);
  const address = { bucket: 'tmp', key: KEY, bytes: archive.length };
  await fetchContext({ store, save, log: () => undefined }, address, AbortSignal.timeout(60_000));
  expect(opened).toBe(2);
  expect(gunzipSync(await buffer(createReadStream(file))).equals(zstdDecompressSync(archive))).toBe(true);
});
