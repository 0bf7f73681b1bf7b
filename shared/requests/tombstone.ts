/**
 * The tombstone that `service.delete` writes to S3: a source that was seen before it is never deployed again, however
 * late its events are.
 */
import * as z from 'zod';
import { orderTime } from '#shared/builds/clock.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { RetryableError } from '#shared/events/errors.ts';
import type { Identity } from '#shared/events/identity.ts';
import { TOMBSTONES, tombstoneKey } from '#shared/specs/s3-keys.ts';

const deletedSchema = z.array(z.object({ kind: z.string(), name: z.string() }));

const deletionSchema = z.object({
  /** Derived from the service.delete. */
  event_id: z.string(),
  /** RFC 3339, by S3's clock. */
  time: z.iso.datetime(),
  deleted: deletedSchema,
  /** Keys of the context archives that existed then. */
  contexts: z.array(z.string()).default([]),
});

const tombstoneSchema = deletionSchema.extend({
  /**
   * Earlier deletions, newest first. If one of their events is delivered again, it must not delete what was built
   * since.
   */
  earlier: z.array(deletionSchema).default([]),
});

export type Deleted = z.infer<typeof deletedSchema>;
export type Deletion = z.infer<typeof deletionSchema>;
export type Tombstone = z.infer<typeof tombstoneSchema>;

/** More than a Broker redelivers at the same time. */
const EARLIER_KEPT = 20;

/**
 * The newest deletion, undefined where there was none, and S3's time. Throws RetryableError('Unavailable') where it
 * can't be parsed.
 */
export async function readTombstone(
  store: Pick<ObjectStore, 'read'>,
  bucket: string,
  identity: Identity,
): Promise<{ tombstone: Tombstone | undefined; now: string }> {
  const { text, date } = await store.read(bucket, tombstoneKey(identity));
  const now = orderTime(date, new Date());
  return { tombstone: text === undefined ? undefined : parse(text, `s3://${bucket}/${tombstoneKey(identity)}`), now };
}

/** Pages of all tombstones, with S3's time. */
export function listTombstones(store: Pick<ObjectStore, 'list'>, bucket: string): ReturnType<ObjectStore['list']> {
  return store.list(bucket, TOMBSTONES);
}

/** Adds a deletion, or replaces the one of the same event. The time of the tombstone is that of its newest deletion. */
export async function writeDeletion(
  store: Pick<ObjectStore, 'write'>,
  bucket: string,
  identity: Identity,
  { before, deletion }: { before: Tombstone | undefined; deletion: Deletion },
): Promise<Tombstone> {
  const others = before ? [before, ...before.earlier].filter(({ event_id }) => event_id !== deletion.event_id) : [];
  const [newest = deletion, ...earlier] = [deletion, ...others].sort((a, b) => b.time.localeCompare(a.time));
  const tombstone: Tombstone = {
    ...deletionFields(newest),
    earlier: earlier.slice(0, EARLIER_KEPT).map(deletionFields),
  };
  await store.write(bucket, tombstoneKey(identity), JSON.stringify(tombstone), 'application/json');
  return tombstone;
}

export function deletionOf(tombstone: Tombstone | undefined, eventId: string): Deletion | undefined {
  return tombstone && [tombstone, ...tombstone.earlier].find(({ event_id }) => event_id === eventId);
}

/** Whether a source that was seen at `observedAt` (milliseconds since the epoch) has been deleted since. */
export function isTombstoned(tombstone: Tombstone | undefined, observedAt: number): boolean {
  return tombstone !== undefined && Date.parse(tombstone.time) >= observedAt;
}

/** An unreadable tombstone is an error: taken for none, it would allow a deleted function to be deployed again. */
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

function deletionFields({ event_id, time, deleted, contexts }: Deletion): Deletion {
  return { event_id, time, deleted, contexts };
}
