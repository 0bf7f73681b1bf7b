/**
 * The result of a build, kept in S3 under the source's fingerprint. An unchanged source is answered from it, without a
 * build.
 */
import * as z from 'zod';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { buildCompleteSchema } from '#shared/events/build-complete.ts';
import { type Identity, identityFields } from '#shared/events/identity.ts';
import { sha256 } from '#shared/events/job-start.ts';
import { languages } from '#shared/events/parameters.ts';
import { readJson } from '#shared/read-json.ts';
import { recordKey } from '#shared/specs/s3-keys.ts';

const recordSchema = z.object({
  ...identityFields,
  fingerprint: sha256,
  build_key: sha256,
  /** By digest. */
  image_uri: z.string(),
  observed_at: z.iso.datetime(),
  started_at: z.iso.datetime(),
  completed_at: z.iso.datetime(),
  language: z.enum([...languages, 'docker']),
  /** The build.complete of that build, in structured form. */
  event: z.looseObject({
    id: z.string(),
    source: z.string(),
    type: z.literal('build.complete'),
    subject: z.string(),
    time: z.string(),
    correlationid: z.string(),
    causationid: z.string(),
    traceparent: z.string().optional(),
    data: buildCompleteSchema,
  }),
});

export type BuildRecord = z.infer<typeof recordSchema>;

/**
 * Undefined where this parser has none, and where it can't be read: the source is then built, which writes the record
 * again. A job.start can claim any fingerprint, so the record of another parser may lie under it.
 */
export async function readRecord(
  store: Pick<ObjectStore, 'read'>,
  bucket: string,
  fingerprint: string,
  identity: Identity,
): Promise<BuildRecord | undefined> {
  const { text } = await store.read(bucket, recordKey(fingerprint));
  const record = recordSchema.safeParse(readJson(text)).data;
  const isOurs = record?.third_party_id === identity.third_party_id && record.parser_id === identity.parser_id;
  return isOurs && record.fingerprint === fingerprint ? record : undefined;
}

/** Leaves another parser's record as it is: a forged fingerprint must not replace it. */
export async function writeRecord(
  store: Pick<ObjectStore, 'read' | 'write'>,
  bucket: string,
  record: BuildRecord,
): Promise<void> {
  const { text } = await store.read(bucket, recordKey(record.fingerprint));
  const existing = recordSchema.safeParse(readJson(text)).data;
  if (existing && (existing.third_party_id !== record.third_party_id || existing.parser_id !== record.parser_id)) {
    return;
  }
  await store.write(bucket, recordKey(record.fingerprint), JSON.stringify(record), 'application/json');
}
