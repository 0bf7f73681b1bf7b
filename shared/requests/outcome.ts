/**
 * The outcome of a request: an idempotency record, written by the first delivery, so that a second one does not end it
 * differently.
 */
import * as z from 'zod';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { NewEvent } from '#shared/events/event.ts';
import { readJson } from '#shared/read-json.ts';
import { OUTCOMES, outcomeKey, type RequestAddress } from '#shared/specs/s3-keys.ts';
import { deleteRequest } from './request.ts';

export interface RequestOutcome {
  /** The id of the one build.complete that ends the request: its own, or that of the build it joined. */
  end: string;
  /** What the first delivery replied: that build.complete, or lifecycle.build.started of the Job that leads to it. */
  reply: NewEvent<'build.complete' | 'lifecycle.build.started'>;
}

const replySchema = z.looseObject({ type: z.string() });
const outcomeSchema = z.object({
  end: z.string(),
  reply: z.custom<RequestOutcome['reply']>((reply) => replySchema.safeParse(reply).success),
});

/** Undefined where the request has not been answered yet. */
export async function readOutcome(
  store: Pick<ObjectStore, 'read'>,
  where: RequestAddress,
): Promise<RequestOutcome | undefined> {
  const { text } = await store.read(where.bucket, outcomeKey(where));
  return outcomeSchema.safeParse(readJson(text)).data;
}

/**
 * Returns the outcome that counts: this one, or the one that another delivery has recorded before. Call it before
 * replying anything. Two deliveries of one event, of which the second finds another state of affairs:
 *
 *      first:   ──┼ joins Job x ─┼ record x ─▶ "started x"       x is superseded
 *      second:  ───────────────────────────────────────────────────┼ finds no x ─┼ record its own ─▶ x counts
 */
export async function recordOutcome(
  store: Pick<ObjectStore, 'read' | 'create'>,
  where: RequestAddress,
  outcome: RequestOutcome,
): Promise<RequestOutcome> {
  if (await store.create(where.bucket, outcomeKey(where), JSON.stringify(outcome), 'application/json')) {
    return outcome;
  }
  return (await readOutcome(store, where)) ?? outcome;
}

/**
 * Whether the reply is a terminal event of this request alone. The request is then kept until build-complete has
 * processed that event.
 */
export function hasOwnTerminalEvent({ end, reply }: RequestOutcome, { terminalId }: RequestAddress): boolean {
  return reply.type === 'build.complete' && end === terminalId;
}

/** Returns the reply. Deletes the request where a Job, or another request's terminal event, takes care of its end. */
export async function settleRequest(
  store: Pick<ObjectStore, 'remove'>,
  where: RequestAddress,
  outcome: RequestOutcome,
): Promise<RequestOutcome['reply']> {
  if (!hasOwnTerminalEvent(outcome, where)) {
    await deleteRequest(store, where);
  }
  return outcome.reply;
}

/** Pages of all outcomes, with S3's time. */
export function listOutcomes(store: Pick<ObjectStore, 'list'>, bucket: string): ReturnType<ObjectStore['list']> {
  return store.list(bucket, OUTCOMES);
}
