/**
 * Packing without streams and compression. It makes the same calls of S3 and the registry as prepareBuild, in the same
 * order.
 */
import { createHash, randomUUID } from 'node:crypto';
import { type Assembling, assembleImage, dependenciesOf } from '#functions/build-start/assemble-image.ts';
import type { Packing } from '#functions/build-start/packing.ts';
import type { Plan } from '#functions/build-start/plan-build.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { BuildStart } from '#shared/events/build-start.ts';
import { fingerprintOf } from '#shared/packing/fingerprint.ts';
import { listSource } from '#shared/packing/list-source.ts';
import type { BelowCode } from '#shared/packing/types.ts';
import { contextKey } from '#shared/specs/s3-keys.ts';
import { BASE_IMAGE, buildSettings, SOURCE_BUCKET } from './settings.ts';

/** Of every parser there is one way to an image. */
export type Way = 'by a Job' | 'dependencies by a Job' | 'nothing to install';

/** For one request. The build key is derived from the content, as the real one is. */
export function simulatedPacking(
  store: ObjectStore,
  data: BuildStart,
  { way, assembling }: { way: Way; assembling: Assembling },
): Packing {
  return async () => {
    const { temporaryBucket: bucket, maxBytes, maxFiles } = buildSettings;
    const prefix = data.s3_prefix ?? `global/parser/${data.parser_id}/`;
    const listing = await listSource(store, { bucket: SOURCE_BUCKET, prefix, maxBytes, maxFiles });
    const plan = planOf(way);
    const { language, handler } = data.parameters;
    const about = {
      language: plan.language,
      dependencies: dependenciesOf(plan, listing, data),
      listing,
      fingerprint: fingerprintOf({ listing, identity: data, request: { language, handler }, settings: buildSettings }),
    };
    const source = { ...about, plan, files: listing.files, identity: data };
    const assembled = data.force ? undefined : await assembleImage(source, assembling);
    if (assembled) {
      return { ...about, ...assembled };
    }
    const content = JSON.stringify(listing.files.map(({ path, etag }) => [path, etag]));
    const buildKey = createHash('sha256').update(content).digest('hex');
    const key = contextKey(data, buildKey);
    const staging = `contexts/${data.third_party_id}/${data.parser_id}/.staging-${randomUUID()}`;
    await store.write(bucket, staging, content, 'application/zstd');
    try {
      await store.copy(bucket, staging, key);
    } finally {
      await store.remove(bucket, [staging]);
    }
    return { ...about, buildKey, context: { bucket, key, bytes: content.length } };
  };
}

function planOf(way: Way): Plan {
  const below: Record<Way, BelowCode | undefined> = {
    'by a Job': undefined,
    'dependencies by a Job': { kind: 'installed', reads: ['package.json'] },
    'nothing to install': {
      kind: 'base',
      image: BASE_IMAGE,
      files: [],
      config: { User: '1', WorkingDir: '/app', Env: [], Cmd: [] },
    },
  };
  const chosen = below[way];
  return {
    language: 'node',
    files: [],
    excludes: () => false,
    ...(chosen ? { codeLayer: { files: [], below: chosen } } : {}),
  };
}
