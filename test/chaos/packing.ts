/** Packing without streams and compression. It makes the same S3 calls as prepareBuild, in the same order. */
import { createHash, randomUUID } from 'node:crypto';
import type { Packing } from '#functions/build-start/packing.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { BuildStart } from '#shared/events/build-start.ts';
import { fingerprintOf } from '#shared/packing/fingerprint.ts';
import { listSource } from '#shared/packing/list-source.ts';
import { contextKey } from '#shared/specs/s3-keys.ts';
import { buildSettings, SOURCE_BUCKET } from './settings.ts';

/** For one request. The build key is derived from the content, as the real one is. */
export function simulatedPacking(store: ObjectStore, data: BuildStart): Packing {
  return async () => {
    const { temporaryBucket: bucket, maxBytes, maxFiles } = buildSettings;
    const prefix = data.s3_prefix ?? `global/parser/${data.parser_id}/`;
    const listing = await listSource(store, { bucket: SOURCE_BUCKET, prefix, maxBytes, maxFiles });
    const content = JSON.stringify(listing.files.map(({ path, etag }) => [path, etag]));
    const buildKey = createHash('sha256').update(content).digest('hex');
    const key = contextKey(data, buildKey);
    const staging = `contexts/${data.third_party_id}/${data.parser_id}/.staging-${randomUUID()}`;
    await store.write(bucket, staging, content, 'application/gzip');
    try {
      await store.copy(bucket, staging, key);
    } finally {
      await store.remove(bucket, [staging]);
    }
    const { language, handler } = data.parameters;
    return {
      language: 'node',
      buildKey,
      context: { bucket, key, bytes: content.length },
      listing,
      fingerprint: fingerprintOf({ listing, identity: data, request: { language, handler }, settings: buildSettings }),
    };
  };
}
