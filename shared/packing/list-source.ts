/** Lists a parser's source in S3: within limits, and only with paths that are safe to unpack. */
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { PermanentError } from '#shared/events/errors.ts';
import { hasMoreFolders, pathProblems } from './safe-paths.ts';
import type { SourceFile, SourceLimits, SourceListing } from './types.ts';

/** How many bad keys a message names. */
const NAMED = 10;

/**
 * The files under `prefix`, and when S3 listed them. Throws PermanentError NoSource, SourceTooLarge, TooManyFiles or
 * UnsafePath. Stops reading pages once a limit is exceeded, so memory is bounded by `maxFiles`, however many keys there
 * are.
 */
export async function listSource(
  store: Pick<ObjectStore, 'list'>,
  { bucket, prefix: requested, ...limits }: { bucket: string; prefix: string } & SourceLimits,
): Promise<SourceListing> {
  const prefix = requested.endsWith('/') ? requested : `${requested}/`;
  const files: SourceFile[] = [];
  let bytes = 0;
  let observedAt: Date | undefined;
  for await (const page of store.list(bucket, prefix)) {
    observedAt ??= withinSecond(page.date, new Date());
    for (const { key, size, etag } of page.objects) {
      // Consoles and sync tools write an empty object `folder/` for a folder. It is no file.
      if (key.endsWith('/') && size === 0) {
        continue;
      }
      files.push({ path: key.slice(prefix.length), key, size, etag });
      bytes += size;
    }
    checkLimits(files.length, bytes, `s3://${bucket}/${prefix}`, limits);
  }
  if (files.length === 0) {
    throw new PermanentError(
      'NoSource',
      `there is no file under s3://${bucket}/${prefix}: upload the code with \`aws s3 cp --recursive ./YOUR_FOLDER ${shellWord(`s3://${bucket}/${prefix}`)}\`, then send build.start again`,
    );
  }
  const problems = pathProblems(files.map((file) => file.path));
  if (problems.length > 0) {
    const named = problems.slice(0, NAMED).map(({ path, message }) => `${JSON.stringify(prefix + path)} ${message}`);
    const more = problems.length > NAMED ? `; and ${problems.length - NAMED} more` : '';
    throw new PermanentError(
      'UnsafePath',
      `${problems.length} key${problems.length === 1 ? '' : 's'} in s3://${bucket} can't become a file: ${named.join('; ')}${more}. Rename or remove ${problems.length === 1 ? 'it' : 'them'}, then send build.start again`,
    );
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  // A path can have 500 folders, and each costs an image as much as a file.
  const paths = files.map(({ path }) => path);
  if (hasMoreFolders(paths, limits.maxFiles)) {
    throw tooMany(`s3://${bucket}/${prefix}`, 'folders', limits);
  }
  return { bucket, prefix, files, bytes, observedAt: observedAt ?? new Date() };
}

/**
 * S3's Date header has whole seconds. Within the second the local clock adds the milliseconds, so that two listings in
 * one second differ. A local clock that is wrong can't move the time out of S3's second.
 */
export function withinSecond(date: Date, now: Date): Date {
  const start = date.getTime();
  return new Date(Math.min(Math.max(now.getTime(), start), start + 999));
}

function checkLimits(files: number, bytes: number, where: string, limits: SourceLimits): void {
  if (files > limits.maxFiles) {
    throw tooMany(where, 'files', limits);
  }
  if (bytes > limits.maxBytes) {
    throw new PermanentError(
      'SourceTooLarge',
      `${where} has more than ${Math.floor(limits.maxBytes / 1e6)} MB (${limits.maxBytes} bytes): leave out what the build can fetch itself (node_modules, .venv, .git) and data files, or raise MAX_SOURCE_BYTES`,
    );
  }
}

function tooMany(where: string, what: 'files' | 'folders', { maxFiles }: SourceLimits): PermanentError {
  return new PermanentError(
    'TooManyFiles',
    `${where} has more than ${maxFiles} ${what}: leave out what the build can fetch itself (node_modules, .venv, .git), or raise MAX_SOURCE_FILES`,
  );
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
