/** Saves what a successful build has downloaded, for the tenant's next. Reads what users' commands could write. */
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pack } from 'tar-stream';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { DAY } from '#shared/durations.ts';
import { compressedTar } from '#shared/packing/compressed-tar.ts';
import { isKept, type Rule, ruleOf } from './download-rules.ts';
import { type DownloadsAddress, MOST_FILES } from './restore-downloads.ts';

/** After so long a package is downloaded anew, also one that is used daily. */
const OLDEST = 30 * DAY;
/** As deep as npm, pip and modules with long paths are. */
const DEEPEST = 20;

interface Download {
  name: string;
  file: string;
  size: number;
  /** When it was downloaded, as the archive says. Milliseconds. */
  since: number;
}

interface Saving {
  store: Pick<ObjectStore, 'upload'>;
  log: (line: string) => void;
  now: () => number;
}

/** To be called when no command of the user's runs any more. False where there is nothing new to save. */
export async function saveDownloads(
  { store, log, now }: Saving,
  { manager, bucket, key, bytes, folder }: DownloadsAddress,
  signal: AbortSignal,
): Promise<boolean> {
  const rule = ruleOf(manager);
  const kept = await filesOf(folder, ['kept', manager], rule);
  const known = new Set(kept.map(({ name }) => name));
  const found = await filesOf(folder, ['added', manager], rule);
  const added = found.filter(({ name }) => !known.has(name)).map((download) => ({ ...download, since: now() }));
  if (added.length === 0) {
    return false;
  }
  const isRecent = ({ since }: Download) => since <= now() && since > now() - OLDEST;
  const chosen = await choose([...added, ...kept.filter(isRecent)], rule, bytes, signal);
  if (!chosen.some(({ name }) => !known.has(name))) {
    return false;
  }
  const { body, done } = compressedTar('zstd', (tar) => write(tar, chosen, signal));
  await Promise.all([store.upload(bucket, key, body, 'application/zstd'), done]);
  log(`kept ${chosen.length} downloads as s3://${bucket}/${key}, ${added.length} of them new`);
  return true;
}

/** Regular files with such a name. Nothing where one of the folders is missing, or is a link. */
async function filesOf(volume: string, folders: string[], { name: pattern }: Rule): Promise<Download[]> {
  const root = join(volume, ...folders);
  for (const end of folders.keys()) {
    const found = await lstat(join(volume, ...folders.slice(0, end + 1))).catch(() => undefined);
    if (!found?.isDirectory()) {
      return [];
    }
  }
  const found: Download[] = [];
  let seen = 0;
  const walk = async (below: string, depth: number): Promise<void> => {
    for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
      seen += 1;
      if (seen > 10 * MOST_FILES) {
        throw new Error(`there are more than ${10 * MOST_FILES} files in ${root}`);
      }
      const name = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory() && depth < DEEPEST) {
        await walk(name, depth + 1);
      } else if (entry.isFile() && pattern.test(name)) {
        const { size, mtimeMs } = await lstat(join(root, name));
        found.push({ name, file: join(root, name), size, since: mtimeMs });
      }
    }
  };
  await walk('', 0);
  return found;
}

/** The newest that fit and are what they say they are. */
async function choose(downloads: Download[], rule: Rule, bytes: number, signal: AbortSignal): Promise<Download[]> {
  const chosen: Download[] = [];
  let left = bytes;
  for (const download of downloads.sort((a, b) => b.since - a.since)) {
    signal.throwIfAborted();
    if (download.size <= left && chosen.length < MOST_FILES && (await isKept(rule, download.name, download.file))) {
      left -= download.size;
      chosen.push(download);
    }
  }
  return chosen;
}

async function write(tar: Pack, downloads: Download[], signal: AbortSignal): Promise<void> {
  for (const { name, file, size, since } of downloads) {
    signal.throwIfAborted();
    const written = Promise.withResolvers<void>();
    written.promise.catch(() => undefined);
    const entry = tar.entry({ name, size, mode: 0o644, mtime: new Date(since), uid: 0, gid: 0 }, (error) =>
      error ? written.reject(error) : written.resolve(),
    );
    entry.on('error', () => undefined);
    for await (const chunk of createReadStream(file)) {
      if (!entry.write(chunk)) {
        await Promise.race([new Promise<void>((resolve) => entry.once('drain', () => resolve())), written.promise]);
      }
    }
    entry.end(undefined);
    await written.promise;
  }
}
