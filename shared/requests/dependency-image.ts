/**
 * The image that a build has left with a tenant's dependencies in it, kept in S3 under what they depend on. A change of
 * the code alone is put on its lower layers, without a build.
 */
import * as z from 'zod';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { idSchema } from '#shared/events/identity.ts';
import { readJson } from '#shared/read-json.ts';
import { dependencyImageKey } from '#shared/specs/s3-keys.ts';

const schema = z.object({
  third_party_id: idSchema,
  /** By digest. The layers above the dependencies are those of the code that was built then. */
  image_uri: z.string().regex(/^[^\s@]+@sha256:[0-9a-f]{64}$/),
});

type DependencyImage = z.infer<typeof schema>;

interface Where {
  bucket: string;
  third_party_id: string;
  /** 64 hex digits: of all that the dependencies depend on. */
  dependencies: string;
}

/** Undefined where there is none, and where it can't be read: a build then writes it again. */
export async function readDependencyImage(
  store: Pick<ObjectStore, 'read'>,
  { bucket, third_party_id, dependencies }: Where,
): Promise<DependencyImage | undefined> {
  const { text } = await store.read(bucket, dependencyImageKey({ third_party_id }, dependencies));
  const image = schema.safeParse(readJson(text)).data;
  return image?.third_party_id === third_party_id ? image : undefined;
}

/** The newest build replaces what was there: the registry has lost that, or the build was forced. */
export async function writeDependencyImage(
  store: Pick<ObjectStore, 'write'>,
  { bucket, third_party_id, dependencies }: Where,
  image_uri: string,
): Promise<void> {
  const image: DependencyImage = { third_party_id, image_uri };
  const key = dependencyImageKey({ third_party_id }, dependencies);
  await store.write(bucket, key, JSON.stringify(image), 'application/json');
}
