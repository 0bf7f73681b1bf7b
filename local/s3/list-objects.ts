/** ListObjects, versions 1 and 2. */
import type { StoredObject } from './object-files.ts';
import { s3Error, xml } from './xml.ts';

const LARGEST_PAGE = 1000;

/** In the order of the names' bytes in UTF-8. A common prefix is one name. */
export function listObjects(bucket: string, objects: StoredObject[], query: URLSearchParams): string {
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const limit = Math.min(Number(query.get('max-keys') ?? LARGEST_PAGE), LARGEST_PAGE);
  if (!(limit >= 0)) {
    throw s3Error(400, 'InvalidArgument', 'max-keys must be a number');
  }
  const token = Buffer.from(query.get('continuation-token') ?? '', 'base64url').toString();
  const after = Buffer.from(token || (query.get('start-after') ?? query.get('marker') ?? ''));
  const names = namesOf(objects, prefix, delimiter)
    .map((name) => ({ ...name, bytes: Buffer.from(name.name) }))
    .filter(({ bytes }) => Buffer.compare(bytes, after) > 0)
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  const page = names.slice(0, limit);
  const next = names.length > page.length ? page.at(-1)?.name : undefined;
  const isEncoded = query.get('encoding-type') === 'url';
  const encode = (name: string) => (isEncoded ? encodeURIComponent(name).replaceAll('%2F', '/') : name);
  return xml('ListBucketResult', {
    Name: bucket,
    Prefix: encode(prefix),
    Delimiter: delimiter === '' ? undefined : encode(delimiter),
    EncodingType: isEncoded ? 'url' : undefined,
    MaxKeys: limit,
    KeyCount: page.length,
    IsTruncated: next !== undefined,
    NextContinuationToken: next && Buffer.from(next).toString('base64url'),
    NextMarker: next && encode(next),
    Contents: page
      .flatMap(({ object }) => object ?? [])
      .map(({ key, lastModified: LastModified, etag: ETag, contentLength: Size }) => ({
        ...{ Key: encode(key), LastModified, ETag, Size, StorageClass: 'STANDARD' },
      })),
    CommonPrefixes: page.filter(({ object }) => !object).map(({ name }) => ({ Prefix: encode(name) })),
  });
}

/** Without an object: a common prefix. */
function namesOf(objects: StoredObject[], prefix: string, delimiter: string) {
  const names = new Map<string, { name: string; object: StoredObject | undefined }>();
  for (const object of objects.filter(({ key }) => key.startsWith(prefix))) {
    const end = delimiter === '' ? -1 : object.key.indexOf(delimiter, prefix.length);
    const name = end === -1 ? object.key : object.key.slice(0, end + delimiter.length);
    names.set(name, { name, object: end === -1 ? object : undefined });
  }
  return [...names.values()];
}
