/** Unpacks a layer over those below it, and lets nothing out of the folder. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  createReadStream,
  createWriteStream,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { removeTree } from '#local/kaniko/remove-tree.ts';

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts */
const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** What is larger is streamed. */
const SMALL = 1024 ** 2;

/**
 * `archive` is a tar, packed as its media type says; `diffId` is what the tar has to be. Links are made as they are
 * written, and never followed while files are written. Devices are left out; owners are not kept. Throws an Error.
 */
export async function applyLayer(archive: string, mediaType: string, diffId: string, root: string): Promise<void> {
  const hash = createHash('sha256');
  const unpack = extract();
  const written = new Set<string>();
  const write = async () => {
    for await (const entry of unpack) {
      await applyEntry(entry.header, entry as unknown as Readable, root, written);
      entry.resume();
    }
  };
  const hashed = async function* (source: AsyncIterable<Buffer>) {
    for await (const chunk of source) {
      hash.update(chunk);
      yield chunk;
    }
  };
  const packed = createReadStream(archive);
  const tar = mediaType.endsWith('gzip')
    ? pipeline(packed, createGunzip(), hashed, unpack)
    : mediaType.endsWith('zstd')
      ? pipeline(packed, createZstdDecompress(), hashed, unpack)
      : pipeline(packed, hashed, unpack);
  const results = await Promise.allSettled([write(), tar]);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    throw failed.reason;
  }
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== diffId) {
    throw new Error(`a layer is ${actual} where the image's configuration says ${diffId}`);
  }
}

async function applyEntry(header: Header, content: Readable, root: string, written: Set<string>): Promise<void> {
  const path = safePath(header.name);
  if (path === '') {
    return;
  }
  const name = path.slice(path.lastIndexOf('/') + 1);
  const folder = path.slice(0, Math.max(0, path.length - name.length - 1));
  makeFolder(root, folder);
  if (name === OPAQUE) {
    for (const child of readdirSync(join(root, folder))) {
      if (!written.has(folder === '' ? child : `${folder}/${child}`)) {
        removeTree(join(root, folder, child));
      }
    }
    return;
  }
  if (name.startsWith(WHITEOUT)) {
    removeTree(join(root, folder, safePath(name.slice(WHITEOUT.length))));
    return;
  }
  written.add(path);
  await writeEntry(header, content, root, join(root, path));
}

async function writeEntry(header: Header, content: Readable, root: string, target: string): Promise<void> {
  const { type, mode = 0o644, size = 0, linkname, mtime } = header;
  if (type === 'directory') {
    if (lstatSync(target, { throwIfNoEntry: false })?.isDirectory() !== true) {
      removeTree(target);
      mkdirSync(target);
    }
    // A folder nobody may enter could be neither filled nor removed.
    chmodSync(target, (mode & 0o777) | 0o700);
    return;
  }
  // Never into the file that is there: it may be one of another image as well (link-tree.ts).
  removeTree(target);
  if (type === 'symlink') {
    symlinkSync(linkname ?? '', target);
  } else if (type === 'link') {
    const source = safePath(linkname ?? '');
    makeFolder(root, dirname(source));
    linkSync(join(root, source), target);
  } else if (type === 'file' || type === 'contiguous-file') {
    const options = { mode: mode & 0o777, flag: 'wx' };
    if (size <= SMALL) {
      writeFileSync(target, await buffer(content), options);
    } else {
      await pipeline(content, createWriteStream(target, { mode: options.mode, flags: 'wx' }));
    }
    chmodSync(target, mode & 0o777);
    if (mtime !== undefined) {
      utimesSync(target, mtime, mtime);
    }
  }
}

/** Every folder on the way, none of them by a link: one of the layer's could lead out of the image. */
function makeFolder(root: string, folder: string): void {
  let path = root;
  for (const name of folder === '' || folder === '.' ? [] : folder.split('/')) {
    path = join(path, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) {
      mkdirSync(path);
    } else if (!stat.isDirectory()) {
      throw new Error(`a layer writes to /${folder} by way of /${path.slice(root.length + 1)}, which is no folder`);
    }
  }
}

/** Within the root, without `.` and empty parts. */
function safePath(name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0')) {
    throw new Error(`a layer has an entry ${JSON.stringify(name)}, which leads out of the image`);
  }
  return parts.join('/');
}
