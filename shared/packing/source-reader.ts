/** Reads a listed source: its paths, and the text of the few files that decide how it is built. */
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { RetryableError } from '#shared/events/errors.ts';
import type { SourceFile, SourceListing } from './types.ts';

/** Enough for any manifest or handler that a person has written. */
const MAX_TEXT_BYTES = 1024 * 1024;

export interface SourceReader {
  paths: readonly string[];
  has(path: string): boolean;
  /**
   * Undefined where the file is missing or above 1 MiB. Bytes that are no UTF-8 become U+FFFD. Throws
   * RetryableError('SourceChanging') where the object is no longer the one that was listed.
   */
  text(path: string): Promise<string | undefined>;
}

export function sourceReader(store: Pick<ObjectStore, 'open'>, listing: SourceListing): SourceReader {
  const files = new Map(listing.files.map((file) => [file.path, file]));
  return {
    paths: listing.files.map((file) => file.path),
    has: (path) => files.has(path),
    async text(path) {
      const file = files.get(path);
      if (file === undefined || file.size > MAX_TEXT_BYTES) {
        return undefined;
      }
      const chunks: Buffer[] = [];
      for await (const chunk of (await openListed(store, listing, file)).body) {
        chunks.push(chunk as Buffer);
      }
      // Some editors on Windows write a byte order mark, which the parsers do not expect.
      return Buffer.concat(chunks)
        .toString('utf8')
        .replace(/^\uFEFF/, '');
    },
  };
}

/**
 * Opens the object that was listed. Throws RetryableError('SourceChanging') where it has been replaced or removed: list
 * again.
 */
export async function openListed(
  store: Pick<ObjectStore, 'open'>,
  { bucket }: SourceListing,
  file: SourceFile,
): Promise<NonNullable<Awaited<ReturnType<ObjectStore['open']>>>> {
  const object = await store.open(bucket, file.key);
  if (object === undefined || object.etag !== file.etag || object.size !== file.size) {
    object?.body.destroy();
    throw new RetryableError(
      'SourceChanging',
      `s3://${bucket}/${file.key} ${object === undefined ? 'was removed' : 'was replaced'} while the source was being read: it will be read again`,
      { retryAfter: 5 },
    );
  }
  return object;
}
