/**
 * One packing, in a process of its own: listing, preflight, archive and upload, as build-start does it. Or the reading
 * of the same source alone, which nothing that packs it can be faster than. Tells its time and its memory.
 */
import { finished } from 'node:stream/promises';
import { prepareBuild } from '#functions/build-start/prepare-build.ts';
import { createObjectStore } from '#shared/clients/s3.ts';
import { listSource } from '#shared/packing/list-source.ts';
import { baseImages } from '#test/fakes/base-images.ts';
import { inParallel } from './in-parallel.ts';

export interface Packed {
  milliseconds: number;
  /** Of the whole process, at its highest: megabytes. */
  resident: number;
}

/** What the parent passes, as JSON. */
export interface PackRequest {
  url: string;
  source: string;
  prefix: string;
  temporary: string;
  adapters: string;
  readOnly?: boolean;
}

/** As many as the packing reads ahead. */
const AT_ONCE = 16;

const { url, source, prefix, temporary, adapters, readOnly } = JSON.parse(process.argv[2] ?? '{}') as PackRequest;
const store = createObjectStore({
  AWS_REGION: 'us-east-1',
  S3_ENDPOINT: url,
  AWS_ACCESS_KEY_ID: 'bench',
  AWS_SECRET_ACCESS_KEY: 'bench',
});
const settings = {
  maxBytes: 1e9,
  maxFiles: 10_000,
  temporaryBucket: temporary,
  adapters,
  baseImages,
};

const began = performance.now();
const listing = await listSource(store, { bucket: source, prefix, ...settings });
const milliseconds = (await (readOnly ? readAll() : pack())) - began;
store.close();
const packed: Packed = { milliseconds, resident: (process.resourceUsage().maxRSS * 1024) / 1e6 };
process.send?.(packed, () => process.disconnect());

async function pack(): Promise<number> {
  const { context } = await prepareBuild(store, {
    listing,
    identity: { third_party_id: 'acme', parser_id: 'large' },
    request: {},
    settings,
    stagingId: 'bench',
  });
  const ended = performance.now();
  // So that the next run copies as well.
  await store.remove(temporary, [context.key]);
  return ended;
}

async function readAll(): Promise<number> {
  await inParallel(listing.files, AT_ONCE, async ({ key }) => {
    const object = await store.open(source, key);
    if (object) {
      await finished(object.body.resume());
    }
  });
  return performance.now();
}
