/**
 * The source fingerprint: identifies what a build would be made from, by the listing alone, without downloading
 * anything.
 */
import { createHash } from 'node:crypto';
import type { Identity } from '#shared/events/identity.ts';
import { RECIPE_VERSION } from './recipe-version.ts';
import type { BuildRequest, BuildSettings, SourceListing } from './types.ts';

/**
 * 64 hex digits. Changes with any file (key, size, ETag), the options that change the image, the base images, the
 * recipe and the owner. Does not change with env, scaling, resources or time-outs, which do not change the image.
 */
export function fingerprintOf({
  listing,
  identity,
  request,
  settings,
}: {
  listing: SourceListing;
  identity: Identity;
  request: BuildRequest;
  settings: Pick<BuildSettings, 'baseImages'>;
}): string {
  const hash = createHash('sha256');
  // JSON arrays, so that no two different lists of parts give the same text.
  hash.update(
    JSON.stringify([
      'fingerprint',
      RECIPE_VERSION,
      [identity.third_party_id, identity.parser_id],
      [request.language ?? null, request.handler ?? null],
      Object.entries(settings.baseImages).sort(),
      [listing.bucket, listing.prefix],
    ]),
  );
  for (const { path, size, etag } of listing.files) {
    hash.update(JSON.stringify([path, size, etag]));
  }
  return hash.digest('hex');
}
