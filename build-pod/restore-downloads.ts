/** Brings what the tenant's earlier builds have downloaded into the pod. A build never fails because of it. */
import { createWriteStream } from 'node:fs';
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { extract } from 'tar-stream';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { PermanentError } from '#shared/events/errors.ts';
import { LIMIT_FILE, type PackageManager } from '#shared/specs/build-pod/downloads.ts';
import { type Rule, ruleOf } from './download-rules.ts';

export interface DownloadsAddress {
  manager: PackageManager;
  bucket: string;
  key: string;
  /** At most so many are kept. */
  bytes: number;
  /** The volume. */
  folder: string;
}

/** Files of one archive: names of npm's content take some hundred bytes of memory each. */
export const MOST_FILES = 20_000;

/** A step may add as much again, and what is saved of both is bounded anew. */
const SHARE_ADDED = 2;

class NoArchive extends Error {}

/**
 * After it the volume has nothing of an archive, or all of it. Without an answer of S3 the build may not save its
 * downloads either: it would replace what others have kept.
 */
export async function restoreDownloads(
  { store, log }: { store: Pick<ObjectStore, 'open'>; log: (line: string) => void },
  { manager, bucket, key, bytes, folder }: DownloadsAddress,
  signal: AbortSignal,
): Promise<void> {
  const target = join(folder, 'kept', manager);
  try {
    const found = await store.open(bucket, key).catch(ifMayNotList);
    if (found) {
      await unpack(found.body, target, { rule: ruleOf(manager), bytes, signal }).catch(async (error: Error) => {
        found.body.destroy();
        await rm(target, { recursive: true, force: true });
        if (!(error instanceof NoArchive) && !isSpoilt(error)) {
          throw error;
        }
        log(`s3://${bucket}/${key} is of no use (${error.message}); this build replaces it`);
      });
    }
    await writeFile(join(folder, LIMIT_FILE), String(Math.floor((bytes * SHARE_ADDED) / 1024)));
  } catch (error) {
    log(`without what earlier builds have downloaded: ${(error as Error).message}`);
  }
}

/** To whom may not list, S3 says of what does not exist that it is forbidden. */
function ifMayNotList(error: Error): undefined {
  if (!(error instanceof PermanentError && error.reason === 'Forbidden')) {
    throw error;
  }
}

/** Told by the decompressor and by tar: not of S3's, nor of the disk. */
function isSpoilt(error: Error & { code?: string }): boolean {
  return /^ZSTD_|^Z_/.test(error.code ?? '') || /tar header|Unexpected end of data/i.test(error.message);
}

async function unpack(
  body: Readable,
  target: string,
  { rule, bytes, signal }: { rule: Rule; bytes: number; signal: AbortSignal },
): Promise<void> {
  const entries = extract();
  const read = pipeline(addAbortSignal(signal, body), createZstdDecompress(), entries);
  // What ends the loop below ends it as well, and the other way round.
  read.catch(() => undefined);
  let files = 0;
  let total = 0;
  for await (const entry of entries) {
    const { name, type, size = 0, mtime } = entry.header;
    files += 1;
    total += size;
    if (type !== 'file' || !rule.name.test(name) || files > MOST_FILES || total > bytes) {
      throw new NoArchive(`entry ${files}, ${JSON.stringify(name.slice(0, 100))}, is none of those that are kept`);
    }
    const file = join(target, name);
    await mkdir(dirname(file), { recursive: true });
    await pipeline(entry as unknown as Readable, createWriteStream(file, { flags: 'wx' }));
    await utimes(file, mtime ?? new Date(0), mtime ?? new Date(0));
    const beside = rule.beside?.(name);
    if (beside) {
      await writeFile(join(target, beside.name), beside.content);
      await utimes(join(target, beside.name), new Date(0), new Date(0));
    }
  }
  await read;
}
