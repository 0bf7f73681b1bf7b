/** What `service.delete` leaves in S3: what was observed before it is never deployed again, however late its events arrive. */
import * as z from 'zod';
import { orderTime } from '#shared/builds/clock.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { RetryableError } from '#shared/events/errors.ts';
import type { Identity } from '#shared/events/identity.ts';
import { TOMBSTONES, tombstoneKey } from '#shared/specs/s3-keys.ts';

const deletedSchema = z.array(z.object({ kind: z.string(), name: z.string() }));

const deletionSchema = z.object({
  /** Of the service.delete. */
  event_id: z.string(),
  /** RFC 3339, by S3's clock. */
  time: z.iso.datetime(),
  deleted: deletedSchema,
  /** Archives that were there before it: keys. */
  contexts: z.array(z.string()).default([]),
});

const tombstoneSchema = deletionSchema.extend({
  /** Former deletions, newest first: one of their events delivered again must not delete what was built since. */
  earlier: z.array(deletionSchema).default([]),
});

export type Deleted = z.infer<typeof deletedSchema>;
export type Deletion = z.infer<typeof deletionSchema>;
export type Tombstone = z.infer<typeof tombstoneSchema>;

/** More deletions of one parser than a broker redelivers. */
const EARLIER_KEPT = 20;

/** The newest deletion, undefined where there was none, and S3's time. */
export async function readTombstone(
  store: ObjectStore,
  bucket: string,
  identity: Identity,
): Promise<{ tombstone: Tombstone | undefined; now: string }> {
  const { text, date } = await store.read(bucket, tombstoneKey(identity));
  const now = orderTime(date, new Date());
  return { tombstone: text === undefined ? undefined : parse(text, `s3://${bucket}/${tombstoneKey(identity)}`), now };
}

/** Pages of all there are, with S3's time. */
export function listTombstones(store: ObjectStore, bucket: string): ReturnType<ObjectStore['list']> {
  return store.list(bucket, TOMBSTONES);
}

/** Adds a deletion, or replaces the one of the same event. The tombstone's time is the newest deletion's. */
export async function writeDeletion(
  store: ObjectStore,
  bucket: string,
  identity: Identity,
  { before, deletion }: { before: Tombstone | undefined; deletion: Deletion },
): Promise<Tombstone> {
  const others = before ? [before, ...before.earlier].filter(({ event_id }) => event_id !== deletion.event_id) : [];
  const [newest = deletion, ...earlier] = [deletion, ...others].sort((a, b) => b.time.localeCompare(a.time));
  const tombstone: Tombstone = { ...only(newest), earlier: earlier.slice(0, EARLIER_KEPT).map(only) };
  await store.write(bucket, tombstoneKey(identity), JSON.stringify(tombstone), 'application/json');
  return tombstone;
}

export function deletionOf(tombstone: Tombstone | undefined, eventId: string): Deletion | undefined {
  return tombstone && [tombstone, ...tombstone.earlier].find(({ event_id }) => event_id === eventId);
}

/** Whether what was observed then has been deleted since. */
export function isTombstoned(tombstone: Tombstone | undefined, observedAt: number): boolean {
  return tombstone !== undefined && Date.parse(tombstone.time) >= observedAt;
}

/** Without its tombstone nobody knows what may be deployed, so an unreadable one is not taken for none. */
function parse(text: string, where: string): Tombstone {
  try {
    return tombstoneSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new RetryableError(
      'Unavailable',
      `${where} can't be read: mend it, or remove it with \`aws s3 rm ${where}\``,
      { cause: error },
    );
  }
}

function only({ event_id, time, deleted, contexts }: Deletion): Deletion {
  return { event_id, time, deleted, contexts };
}
