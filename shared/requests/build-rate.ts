/**
 * Which builds a client has begun lately: an empty object in S3 for each, under the minute in which its source was
 * seen. So the count holds across processes, covers builds with a Job and without one, and a request that is delivered
 * twice is counted once.
 */
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { MINUTE } from '#shared/durations.ts';
import { beginningKey, beginningPrefix } from '#shared/specs/s3-keys.ts';

export interface Beginning {
  third_party_id: string;
  /** 64 hex digits. Many requests for one source make one build, which is counted once. */
  fingerprint: string;
  /** When the source was seen, by S3's clock. */
  observedAt: Date;
}

export async function recordBeginning(
  store: Pick<ObjectStore, 'write'>,
  bucket: string,
  beginning: Beginning,
): Promise<void> {
  const key = beginningKey(beginning, minuteOf(beginning.observedAt), beginning.fingerprint);
  await store.write(bucket, key, '', 'text/plain; charset=utf-8');
}

/**
 * Seconds until this client may begin another build; undefined where it may now. Builds that begin at the same moment
 * may each find the last place free: that does no harm, and a lock would serialize all builds of a client.
 */
export async function secondsToWait(
  store: Pick<ObjectStore, 'list'>,
  bucket: string,
  own: Beginning,
  perMinute: number,
): Promise<number | undefined> {
  const now = own.observedAt.getTime();
  const minute = minuteOf(own.observedAt);
  const listed = await Promise.all([minute - 1, minute].map((each) => others(store, bucket, own, each)));
  const begun = listed.flat().filter((time) => time > now - MINUTE);
  if (begun.length < perMinute) {
    return undefined;
  }
  const oldestCounted = begun.sort((a, b) => b - a)[perMinute - 1] ?? now;
  return Math.max(1, Math.ceil((oldestCounted + MINUTE - now) / 1000));
}

async function others(
  store: Pick<ObjectStore, 'list'>,
  bucket: string,
  own: Beginning,
  minute: number,
): Promise<number[]> {
  const ownKey = beginningKey(own, minute, own.fingerprint);
  const times: number[] = [];
  for await (const { objects } of store.list(bucket, beginningPrefix(own, minute))) {
    times.push(...objects.filter(({ key }) => key !== ownKey).map(({ modified }) => modified.getTime()));
  }
  return times;
}

function minuteOf(time: Date): number {
  return Math.floor(time.getTime() / MINUTE);
}
