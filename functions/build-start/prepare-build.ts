/** Makes an image of a listed source at once where nothing has to run for it, else packs it into a context archive. */
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import { contextArchive } from '#shared/packing/archive.ts';
import { fingerprintOf } from '#shared/packing/fingerprint.ts';
import { listSource } from '#shared/packing/list-source.ts';
import { sourceReader } from '#shared/packing/source-reader.ts';
import type {
  GeneratedFile,
  PackedBuild,
  PrepareBuildOptions,
  PreparedBuild,
  SourceFile,
  SourceListing,
} from '#shared/packing/types.ts';
import { contextKey, stagingKey } from '#shared/specs/s3-keys.ts';
import {
  type AssembledImage,
  type AssembledSource,
  type Assembling,
  assembleImage,
  dependenciesOf,
} from './assemble-image.ts';
import { planBuild } from './plan-build.ts';

type PackingStore = Pick<ObjectStore, 'list' | 'open' | 'upload' | 'copy' | 'remove'>;

interface PrepareOptions extends PrepareBuildOptions {
  /** Undefined where a Job has to build it. */
  assembling?: Assembling | undefined;
}

/** How often a source that changes while it is read is read in all. */
const READINGS = 3;

/**
 * Checks the source and takes it as it is at one moment. Where an object is no longer what was listed, everything is
 * listed and read again. Throws PermanentError with the contract's reasons where the source can't be built,
 * RetryableError('SourceChanging') where it has changed in three readings in a row, and whatever the store and the
 * registry throw.
 */
export async function prepareBuild(store: PackingStore, options: PrepareBuildOptions): Promise<PackedBuild>;
export async function prepareBuild(store: PackingStore, options: PrepareOptions): Promise<PreparedBuild>;
export async function prepareBuild(store: PackingStore, options: PrepareOptions): Promise<PreparedBuild> {
  const { listing: first, settings } = options;
  let listing = first;
  for (let reading = 1; ; reading += 1) {
    try {
      return await prepare(store, listing, options);
    } catch (error) {
      const changed = error instanceof RetryableError && error.reason === 'SourceChanging';
      if (!changed || reading === READINGS) {
        throw error;
      }
      listing = await listSource(store, { bucket: first.bucket, prefix: first.prefix, ...settings });
    }
  }
}

async function prepare(store: PackingStore, listing: SourceListing, options: PrepareOptions): Promise<PreparedBuild> {
  const { identity, request, settings, assembling } = options;
  const plan = await planBuild(sourceReader(store, listing), request, settings);
  const files = listing.files.filter(({ path }) => !plan.excludes(path));
  const about = {
    language: plan.language,
    dependencies: dependenciesOf(plan, listing, identity),
    listing,
    fingerprint: fingerprintOf({ listing, identity, request, settings }),
  };
  const assembled = assembling && (await assembleIfAllowed({ ...about, plan, files, identity }, assembling));
  if (assembled) {
    return { ...about, ...assembled };
  }
  const { buildKey, context } = await packContext(store, listing, { files, ours: plan.files }, options);
  return { ...about, buildKey, context };
}

/** Kaniko has credentials of its own: what only we may not do, a Job still can. */
async function assembleIfAllowed(source: AssembledSource, assembling: Assembling): Promise<AssembledImage | undefined> {
  try {
    return await assembleImage(source, assembling);
  } catch (error) {
    if (error instanceof PermanentError && error.reason === 'Forbidden') {
      assembling.refused(error.message);
      return undefined;
    }
    throw error;
  }
}

async function packContext(
  store: PackingStore,
  listing: SourceListing,
  { files, ours }: { files: SourceFile[]; ours: GeneratedFile[] },
  { identity, settings, stagingId }: PrepareBuildOptions,
): Promise<{ buildKey: string; context: { bucket: string; key: string; bytes: number } }> {
  const bucket = settings.temporaryBucket;
  const staging = stagingKey(identity, stagingId);

  const archive = contextArchive(store, listing, files, ours);
  const [uploaded, packed] = await Promise.allSettled([
    store.upload(bucket, staging, archive.body, 'application/zstd'),
    archive.done,
  ]);
  // If reading fails, the upload fails as well, and vice versa. The cause is the error that has been classified.
  const failures = [packed, uploaded].flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  if (packed.status === 'rejected' || failures.length > 0) {
    throw failures.find((error) => error instanceof RetryableError || error instanceof PermanentError) ?? failures[0];
  }

  // The key is known only at the end. An archive of that key is replaced by the same bytes, so that it gets a new date:
  // sweep removes old ones.
  const { buildKey, bytes } = packed.value;
  const key = contextKey(identity, buildKey);
  try {
    await store.copy(bucket, staging, key);
  } finally {
    await store.remove(bucket, [staging]);
  }
  return { buildKey, context: { bucket, key, bytes } };
}
