/**
 * A pending request: kept in S3 from the first step of build-start until a Job exists for it, or its terminal event has
 * been processed. sweep sends it again if it is lost in between.
 */
import * as z from 'zod';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import { type Identity, identitySchema } from '#shared/events/identity.ts';
import { readJson } from '#shared/read-json.ts';
import { REQUESTS, type RequestAddress, requestKey } from '#shared/specs/s3-keys.ts';

/** Extensions of a build.start that sweep has sent again: how often, and when it was received first (RFC 3339). */
export const RESENT = 'resent';
export const FIRST_SEEN = 'firstseen';

const requestSchema = z.object({ event: z.looseObject({ id: z.string(), source: z.string() }) });

export interface PendingRequest {
  key: string;
  identity: Identity;
  /** Id of the build.complete that ends it, unless it joins the build of another request. */
  terminalId: string;
  /** The build.start, in structured form. */
  event: { id: string; source: string; [attribute: string]: unknown };
  /** When it was received first, by S3's clock. */
  since: Date;
  /** How often it has been sent again. */
  resent: number;
}

export async function recordRequest(
  store: Pick<ObjectStore, 'write'>,
  where: RequestAddress,
  event: ReceivedEvent<unknown>,
): Promise<void> {
  const body = JSON.stringify({ event: event.original.toJSON() });
  await store.write(where.bucket, requestKey(where), body, 'application/json');
}

export async function deleteRequest(store: Pick<ObjectStore, 'remove'>, where: RequestAddress): Promise<void> {
  await store.remove(where.bucket, [requestKey(where)]);
}

/** Pages of all pending requests, with S3's time. */
export function listRequests(store: Pick<ObjectStore, 'list'>, bucket: string): ReturnType<ObjectStore['list']> {
  return store.list(bucket, REQUESTS);
}

/** Undefined where it has been deleted since it was listed, or is not a request. */
export async function readRequest(
  store: Pick<ObjectStore, 'read'>,
  bucket: string,
  { key, modified }: { key: string; modified: Date },
): Promise<PendingRequest | undefined> {
  const [, third_party_id, parser_id, terminalId] =
    /^requests\/([^/]+)\/([^/]+)\/([0-9a-f]{32})\.json$/.exec(key) ?? [];
  const identity = identitySchema.safeParse({ third_party_id, parser_id });
  const { text } = await store.read(bucket, key);
  const body = requestSchema.safeParse(readJson(text)).data;
  if (!identity.success || !terminalId || !body) {
    return undefined;
  }
  const firstSeen = Date.parse(String(body.event[FIRST_SEEN] ?? ''));
  const since = firstSeen < modified.getTime() ? new Date(firstSeen) : modified;
  const resent = Number(body.event[RESENT] ?? 0);
  return { key, identity: identity.data, terminalId, event: body.event, since, resent: resent > 0 ? resent : 0 };
}
