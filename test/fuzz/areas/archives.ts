/** Hostile tars: whatever they hold, nothing is written or linked to outside the folder they are unpacked to. */
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { type Header, pack } from 'tar-stream';
import { BuildError } from '#local/kaniko/build-error.ts';
import { unpackArchive } from '#local/kaniko/unpack-archive.ts';
import { type Area, quick } from '#test/fuzz/area.ts';

const segment = fc.constantFrom(
  'a',
  'b',
  'c',
  'link',
  '.',
  '..',
  '',
  'a'.repeat(120),
  'é',
  '-rf',
  'a\\b',
  '..\\x',
  'x\0y',
);
const path = fc.oneof(
  { weight: 4, arbitrary: fc.array(segment, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/')) },
  fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
  fc.constantFrom('/etc/x', '../outside', 'a/../../outside', './', '.', '..', 'a'.repeat(300)),
);

const entry = fc.record({
  name: path,
  type: fc.constantFrom<NonNullable<Header['type']>>(
    'file',
    'file',
    'directory',
    'symlink',
    'symlink',
    'link',
    'character-device',
    'block-device',
    'fifo',
    'contiguous-file',
  ),
  linkname: path,
  mode: fc.constantFrom(0o644, 0o000, 0o7777, 0o4755),
  pax: fc.option(
    fc.record(
      { path, linkpath: path, size: fc.constantFrom('1', '-1', 'x', '99999999999999999999', '0') },
      { requiredKeys: [] },
    ),
    { freq: 8 },
  ),
});

const input = fc.record({
  entries: fc.array(entry, { minLength: 1, maxLength: 6 }),
  gzip: fc.constant(true),
  /** Bytes that are changed afterwards: the checksum may then be wrong, or the size another. */
  changes: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
  ),
  cut: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(1000)),
  size: fc.option(fc.constantFrom(0o77777777777, 2 ** 40, 1), { freq: 8 }),
});

type Input = typeof input extends fc.Arbitrary<infer Value> ? Value : never;

export const archives: Area = {
  name: 'archive entries',
  share: 8,
  async start() {
    const workspace = mkdtempSync(join(tmpdir(), 'fuzz-archives-'));
    writeFileSync(join(workspace, 'outside'), 'untouched');
    let inputs = 0;
    const property = fc.asyncProperty(input as fc.Arbitrary<unknown>, async (given) => {
      const name = String(inputs++);
      const folder = join(workspace, 'inside', name, 'here');
      const archive = join(workspace, `archive-${name}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(archive, await tarOf(given as Input));
      try {
        await quick(() => unpackArchive(archive, folder));
      } catch (error) {
        if (!(error instanceof BuildError)) {
          throw error;
        }
      }
      rmSync(archive);
      checkInside(folder, folder);
      const outside = [...readdirSync(workspace), ...readdirSync(join(workspace, 'inside', name))].sort();
      if (
        outside.join() !== 'here,inside,outside' ||
        readFileSync(join(workspace, 'outside'), 'utf8') !== 'untouched'
      ) {
        throw new Error(`left ${outside} outside its folder`);
      }
      rmSync(join(workspace, 'inside', name), { recursive: true });
    });
    return { property, close: async () => rmSync(workspace, { recursive: true }) };
  },
};

async function tarOf({ entries, gzip, changes, cut, size }: Input): Promise<Buffer> {
  const tar = pack();
  const written = buffer(tar);
  for (const { pax, ...header } of entries) {
    const body = header.type === 'file' ? 'content' : '';
    const extended = pax === null ? {} : { pax: pax as Record<string, string> };
    tar.entry({ ...header, ...extended, name: header.name.replaceAll('\0', '') || 'a' }, body);
  }
  tar.finalize();
  const bytes = Buffer.from(await written);
  if (size !== null) {
    bytes.write(`${size.toString(8).slice(-11).padStart(11, '0')}\0`, 124, 'latin1');
    correctChecksum(bytes);
  }
  for (const [at, value] of changes) {
    bytes[at % bytes.length] = value;
    correctChecksum(bytes);
  }
  const whole = gzip ? gzipSync(bytes, { level: 1 }) : bytes;
  return whole.subarray(0, whole.length - (cut % whole.length));
}

/** Of the first header, so that what was changed there is believed. */
function correctChecksum(bytes: Buffer): void {
  bytes.fill(' ', 148, 156);
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}

function checkInside(path: string, root: string): void {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) {
    const real = realpath(path);
    if (real !== undefined && real !== root && !real.startsWith(root + sep)) {
      throw new Error(`the link ${path.slice(root.length)} to ${readlinkSync(path)} leads out, to ${real}`);
    }
  } else if (stat.isDirectory()) {
    for (const name of readdirSync(path)) {
      checkInside(join(path, name), root);
    }
  } else if (!stat.isFile()) {
    throw new Error(`${path} is neither file, folder nor link`);
  }
}

/** Undefined for a link to nothing. */
function realpath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
