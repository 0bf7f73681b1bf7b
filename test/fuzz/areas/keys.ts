/**
 * Any names of S3 objects: a source is refused for a reason of the contract, or becomes an archive of just these files.
 */
import type { Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import * as fc from 'fast-check';
import { extract } from 'tar-stream';
import { planBuild } from '#functions/build-start/plan-build.ts';
import { PermanentError } from '#shared/events/errors.ts';
import { contextArchive } from '#shared/packing/archive.ts';
import { codeLayer } from '#shared/packing/code-layer.ts';
import { listSource } from '#shared/packing/list-source.ts';
import { sourceReader } from '#shared/packing/source-reader.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { type Area, quick } from '#test/fuzz/area.ts';
import { hostileText } from '#test/fuzz/hostile.ts';
import { prefix, settings } from '#test/languages/conformance/sources.ts';

const REASONS = [
  'NoSource',
  'SourceTooLarge',
  'TooManyFiles',
  'UnsafePath',
  'UnknownLanguage',
  'AmbiguousLanguage',
  'HandlerNotFound',
  'InvalidManifest',
];

const segment = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('a', 'b', 'A', 'parser.js', 'parser.py', 'go.mod', 'index.ts', 'node_modules', '.git'),
  },
  fc.constantFrom(
    '.',
    '..',
    '',
    ' ',
    '~',
    '-rf',
    '.dockerignore',
    'Dockerfile',
    'Dockerfile.dockerignore',
    '.npmrc',
    'CON',
    '.wh.a',
    '.wh..wh..opq',
    'a'.repeat(255),
    'é'.repeat(128),
  ),
  fc.constantFrom(
    '.knative-lambda',
    '.Knative-Lambda',
    '.knative-lambda ',
    'function.json',
    'adapter.mjs',
    'project-requirements.txt',
    'package.json',
  ),
  hostileText.filter((text) => text.length <= 1024),
);

const key = fc.array(segment, { minLength: 1, maxLength: 6 }).map((segments) => segments.join('/'));

const content = fc.oneof(
  fc.constantFrom(
    '',
    '*\n!parser.js',
    'exports.handler = () => 1',
    'def handler(event): ...',
    'FROM scratch',
    '#!/bin/sh',
    '{}',
    'module x\ngo 1.24',
  ),
  fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(512, 511, 513, 70_000).map((length) => Buffer.alloc(length, 'x')),
);

/** Half of the sources have a handler, so that they come as far as an archive. */
const input = fc.record({
  files: fc.array(fc.tuple(key, content), { maxLength: 12 }),
  handler: fc.boolean(),
  language: fc.constantFrom('node', 'node', undefined, 'python', 'go', 'rust'),
});

interface Input {
  files: [string, string | Buffer][];
  handler: boolean;
  language: 'node' | 'python' | 'go' | 'rust' | undefined;
}

export const keys: Area = {
  name: 'S3 keys',
  share: 12,
  async start() {
    const property = fc.asyncProperty(input as fc.Arbitrary<unknown>, async (given) => {
      const { files, handler, language } = given as Input;
      const store = new InMemoryObjectStore('source', 'temporary');
      const own = handler
        ? [
            ['parser.js', 'exports.handler = () => 1;'],
            ['parser.py', 'def handler(event): ...'],
          ]
        : [];
      for (const [path, body] of [...files, ...own] as Input['files']) {
        store.put('source', prefix + path, body);
      }
      await quick(() => pack(store, language));
    });
    return { property, close: async () => undefined };
  },
};

async function pack(store: InMemoryObjectStore, language: Input['language']): Promise<void> {
  let archive: Buffer;
  let layer: Buffer;
  let ours: { path: string; content: Buffer }[];
  let excludes: (path: string) => boolean;
  try {
    const listing = await listSource(store, { bucket: 'source', prefix, ...settings });
    const plan = await planBuild(sourceReader(store, listing), { language }, settings);
    ({ files: ours, excludes } = plan);
    const files = listing.files.filter(({ path }) => !excludes(path));
    const packed = contextArchive(store, listing, files, ours);
    archive = await buffer(packed.body);
    await packed.done;
    layer = await buffer(codeLayer(store, listing, files, ours, '/app').open());
  } catch (error) {
    if (error instanceof PermanentError && REASONS.includes(error.reason)) {
      return;
    }
    throw error;
  }
  const expected = new Map(ours.map(({ path, content: body }) => [path, body]));
  for (const path of store.keys('source', prefix).map((one) => one.slice(prefix.length))) {
    const body = store.peek('source', prefix + path) as Buffer;
    // The object of a folder, also of the prefix itself, is no file.
    if (!(`${prefix}${path}`.endsWith('/') && body.length === 0) && !excludes(path)) {
      if (expected.has(path)) {
        throw new Error(`${path} is the user's and ours`);
      }
      expected.set(path, body);
    }
  }
  compare(await unpack(archive, '', createZstdDecompress()), expected);
  compare(await unpack(layer, 'app/'), expected);
}

function compare(unpacked: Map<string, Buffer>, expected: Map<string, Buffer>): void {
  if (unpacked.size !== expected.size) {
    throw new Error(`has ${[...unpacked.keys()]}, not ${[...expected.keys()]}`);
  }
  for (const [path, body] of expected) {
    if (!unpacked.get(path)?.equals(body)) {
      throw new Error(`${JSON.stringify(path)} came out otherwise`);
    }
  }
}

/** Throws where an entry is anything but a file or folder below `root`, is there twice, or would delete another. */
async function unpack(
  archive: Buffer,
  root: string,
  reading: Transform = createGunzip(),
): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const entries = new Set<string>();
  const unpacking = reading.pipe(extract());
  reading.end(archive);
  for await (const entry of unpacking) {
    const { name: whole, type } = entry.header;
    const body = await buffer(entry);
    if (type === 'directory' && whole === './') {
      continue;
    }
    const name = whole.slice(root.length);
    const segments = name.split('/');
    const isFolder = type === 'directory' && segments.pop() === '';
    const isSafe = whole.startsWith(root) && !segments.some((part) => /^\.?\.?$|^\.wh\./.test(part));
    if (!isSafe || (type !== 'file' && !isFolder) || entries.has(name)) {
      throw new Error(`has the entry ${JSON.stringify(whole)} of type ${type}`);
    }
    entries.add(name);
    if (!isFolder) {
      files.set(name, body);
    }
  }
  return files;
}
