/** A layer of an image: the tar of what a step has changed. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream, lstatSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';
import type { ContentStore } from '#local/registry/content-store.ts';
import { type Layer, OCI_LAYER } from '#local/registry/oci-image.ts';
import { BuildError } from './build-error.ts';
import type { TreeChanges } from './tree-changes.ts';

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts */
const WHITEOUT = '.wh.';
/** What is larger is streamed. */
const SMALL = 1024 ** 2;
/** Each piece that is handed to zlib's thread costs as much as compressing some kilobytes. */
const PIECE = 512 * 1024;

/**
 * Every file belongs to 0:0, as it does in a build without `--chown`. Throws BuildError for a name that would be taken
 * for a whiteout.
 */
export async function writeLayer(
  contents: ContentStore,
  repository: string,
  rootfs: string,
  changes: TreeChanges,
  createdBy: string,
): Promise<Layer> {
  const tar = pack();
  const file = contents.newFile();
  const diff = createHash('sha256');
  const compressed = createHash('sha256');
  await Promise.all([
    writeEntries(tar, rootfs, changes).then(
      () => tar.finalize(),
      (error: Error) => {
        tar.destroy(error);
        throw error;
      },
    ),
    pipeline(
      hashed(inPieces(tar as unknown as AsyncIterable<Buffer>), diff),
      createGzip({ level: 1, chunkSize: PIECE }),
      (source: AsyncIterable<Buffer>) => hashed(source, compressed),
      createWriteStream(file),
    ),
  ]);
  const digest = `sha256:${compressed.digest('hex')}`;
  const { size } = statSync(file);
  contents.addBlob(repository, digest, file);
  return { blob: { mediaType: OCI_LAYER, digest, size }, diffId: `sha256:${diff.digest('hex')}`, createdBy };
}

async function writeEntries(tar: Pack, rootfs: string, { written, deleted }: TreeChanges): Promise<void> {
  for (const path of deleted) {
    const name = join(dirname(path), WHITEOUT + basename(path));
    await add(tar, { name, size: 0, mode: 0o644, mtime: new Date(0) }, Buffer.alloc(0));
  }
  for (const path of written) {
    if (basename(path).startsWith(WHITEOUT)) {
      throw new BuildError(`/${path}: a name that begins with ${WHITEOUT} means a deleted file in an image`);
    }
    await writeEntry(tar, path, join(rootfs, path));
  }
}

async function writeEntry(tar: Pack, path: string, file: string): Promise<void> {
  const stat = lstatSync(file);
  const mode = stat.mode & 0o7777;
  if (stat.isDirectory()) {
    await add(tar, { name: `${path}/`, type: 'directory', mode, mtime: new Date(0) });
    return;
  }
  if (stat.isSymbolicLink()) {
    const linkname = readlinkSync(file);
    await add(tar, { name: path, type: 'symlink', linkname, mode: 0o777, mtime: new Date(0) });
    return;
  }
  // Times would make two images of the same content differ. A compiled .pyc alone holds the time of its source.
  const mtime = path.endsWith('.py') ? new Date(Math.floor(stat.mtimeMs / 1000) * 1000) : new Date(0);
  const header = { name: path, size: stat.size, mode, mtime };
  if (stat.size <= SMALL) {
    await add(tar, header, readFileSync(file));
    return;
  }
  await new Promise<void>((resolve, reject) => {
    const entry = tar.entry(header, (error) => (error ? reject(error) : resolve()));
    pipeline(createReadStream(file), entry).catch(reject);
  });
}

/** Resolves once there is room for the next one. */
function add(tar: Pack, header: Parameters<Pack['entry']>[0], content?: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve());
    if (content === undefined) {
      tar.entry({ ...header, uid: 0, gid: 0 }, done);
    } else {
      tar.entry({ ...header, uid: 0, gid: 0 }, content, done);
    }
  });
}

async function* inPieces(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    waiting.push(chunk);
    size += chunk.length;
    if (size >= PIECE) {
      yield Buffer.concat(waiting);
      waiting = [];
      size = 0;
    }
  }
  if (size > 0) {
    yield Buffer.concat(waiting);
  }
}

async function* hashed(source: AsyncIterable<Buffer>, hash: Hash): AsyncIterable<Buffer> {
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
}
