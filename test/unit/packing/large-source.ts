/**
 * As a program: writes the layer of 50,000 small files and one of 99 MB to the path it is given, and tells how many
 * megabytes that took beyond what the listing takes.
 */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { codeLayer } from '#shared/packing/code-layer.ts';

export const LARGE_SOURCE = [
  ...Array.from({ length: 50_000 }, (_, index) => ({ path: `d${index % 300}/file-${index}.js`, size: index % 700 })),
  { path: 'large.bin', size: 99_000_000 },
].sort((a, b) => (a.path < b.path ? -1 : 1));

const BLOCK = Buffer.alloc(65_536, 'const answer = 42; // of an object that is read from the net\n');

function* content(size: number): Iterable<Buffer> {
  for (let left = size; left > 0; left -= BLOCK.length) {
    yield Buffer.from(BLOCK.subarray(0, Math.min(left, BLOCK.length)));
  }
}

if (import.meta.main) {
  const files = LARGE_SOURCE.map(({ path, size }) => ({ path, key: path, size, etag: '' }));
  const sizes = new Map(files.map(({ key, size }) => [key, size]));
  const store = {
    open: async (_bucket: string, key: string) => {
      const size = sizes.get(key) ?? 0;
      return { body: Readable.from(content(size)), etag: '', size };
    },
  };
  const listing = { bucket: 'source', prefix: '', files, bytes: 0, observedAt: new Date(0) };
  const before = process.memoryUsage().rss;
  await pipeline(codeLayer(store, listing, files, [], '/app').open(), createWriteStream(process.argv[2] ?? ''));
  process.stdout.write(String((process.resourceUsage().maxRSS * 1024 - before) / 1e6));
}
