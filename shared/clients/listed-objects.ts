/** The objects of one page of a listing, with decoded keys. */
import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { PermanentError } from '#shared/events/errors.ts';
import type { StoredObject } from './object-store.ts';

export function objectsOf(page: ListObjectsV2CommandOutput): StoredObject[] {
  const decode = page.EncodingType === 'url' ? decodeKey : (key: string) => key;
  return (page.Contents ?? []).map(({ Key = '', Size = 0, ETag, LastModified }) => ({
    key: decode(Key),
    size: Size,
    etag: unquoted(ETag),
    modified: LastModified ?? new Date(0),
  }));
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', '%20'));
  } catch (error) {
    throw new PermanentError('UnsafePath', `S3 lists a key that is no UTF-8: ${key}. Rename or remove it`, {
      cause: error,
    });
  }
}

/** An ETag without quotes, as we compare it. */
export function unquoted(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}
