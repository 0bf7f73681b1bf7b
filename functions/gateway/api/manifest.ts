/** What the API knows of a function's source in S3: which content each file was when it was uploaded through here. */
import * as z from 'zod';
import type { ApiDependencies } from '#functions/gateway/dependencies.ts';
import type { Identity } from '#shared/events/identity.ts';
import { readJson } from '#shared/read-json.ts';
import { manifestKey } from '#shared/specs/s3-keys.ts';

const manifestSchema = z.object({
  /** When addresses were asked for last, by S3's clock. */
  planned_at: z.string().optional(),
  files: z.record(z.string(), z.object({ sha256: z.string(), etag: z.string() })),
});

export type Manifest = z.infer<typeof manifestSchema>;

type Stored = Pick<ApiDependencies, 'store' | 'temporaryBucket'>;

/** Empty where there is none: then everything is uploaded again. */
export async function readManifest({ store, temporaryBucket }: Stored, identity: Identity): Promise<Manifest> {
  const { text } = await store.read(temporaryBucket, manifestKey(identity));
  return manifestSchema.safeParse(readJson(text)).data ?? { files: {} };
}

export async function writeManifest(
  { store, temporaryBucket }: Stored,
  identity: Identity,
  manifest: Manifest,
): Promise<void> {
  await store.write(temporaryBucket, manifestKey(identity), JSON.stringify(manifest), 'application/json');
}
