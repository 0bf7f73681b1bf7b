/** The source fingerprint: what a build would be made from, known from the listing alone, without downloading a byte. */
import { createHash } from 'node:crypto';
import type { Identity } from '#shared/events/identity.ts';
import { RECIPE_VERSION } from './recipe-version.ts';
import type { BuildRequest, BuildSettings, SourceListing } from './types.ts';

/**
 * 64 hex digits. Changes with any file (key, size, ETag), the options that shape the image, the base images, the recipe
 * and the owner; not with env, scaling, resources or time-outs, which do not.
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
  const { python, node, go, static: compiled } = settings.baseImages;
  const hash = createHash('sha256');
  // JSON arrays: no two lists of parts read the same.
  hash.update(
    JSON.stringify([
      'fingerprint',
      RECIPE_VERSION,
      [identity.third_party_id, identity.parser_id],
      [request.language ?? null, request.handler ?? null],
      [python, node, go, compiled],
      [listing.bucket, listing.prefix],
    ]),
  );
  for (const { path, size, etag } of listing.files) {
    hash.update(JSON.stringify([path, size, etag]));
  }
  return hash.digest('hex');
}
