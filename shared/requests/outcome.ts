/** What a request is answered with: decided once, by whoever handles it first, so that one that is delivered twice has not two ends. */
import * as z from 'zod';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { NewEvent } from '#shared/events/event.ts';
import { readJson } from '#shared/read-json.ts';
import { OUTCOMES, outcomeKey, type RequestAddress } from '#shared/specs/s3-keys.ts';
import { deleteRequest } from './request.ts';

type Reply = NewEvent<'build.complete' | 'lifecycle.build.started'>;

export interface RequestOutcome {
  /** The id of the one build.complete that ends the request: its own, or that of the build it joined. */
  end: string;
  /** What the first one replied: that very build.complete, or lifecycle.build.started of the Job that brings it about. */
  reply: Reply;
}

const answerSchema = z.object({ end: z.string(), reply: z.looseObject({ type: z.string() }) });

/** Undefined where nobody has answered yet. */
export async function readOutcome(store: ObjectStore, where: RequestAddress): Promise<RequestOutcome | undefined> {
  const { text } = await store.read(where.bucket, outcomeKey(where));
  return answerSchema.safeParse(readJson(text)).data as RequestOutcome | undefined;
}

/**
 * To be called before anything is told: the answer that stands, which is another's where another was faster.
 *
 *      first delivery:   ──┼ joins Job x ─┼ decide: x ─▶ "started x" ──            x is superseded
 *      second delivery:  ────────────────────────────────────────────┼ finds no x ─┼ decide: its own ─▶ x stands ─▶ "started x"
 */
export async function recordOutcome(
  store: ObjectStore,
  where: RequestAddress,
  answer: RequestOutcome,
): Promise<RequestOutcome> {
  if (await store.create(where.bucket, outcomeKey(where), JSON.stringify(answer), 'application/json')) {
    return answer;
  }
  return (await readOutcome(store, where)) ?? answer;
}

/** The end is told, and told as the request's own: it is kept in mind until build-complete has processed that. */
export function isOwnEnd({ end, reply }: RequestOutcome, { terminalId }: RequestAddress): boolean {
  return reply.type === 'build.complete' && end === terminalId;
}

/** The reply. Unless it is an end of the request's own, somebody else answers for the request from here on. */
export async function settleRequest(store: ObjectStore, where: RequestAddress, answer: RequestOutcome): Promise<Reply> {
  if (!isOwnEnd(answer, where)) {
    await deleteRequest(store, where);
  }
  return answer.reply;
}

/** Pages of what was answered, with S3's time. */
export function listOutcomes(store: ObjectStore, bucket: string): ReturnType<ObjectStore['list']> {
  return store.list(bucket, OUTCOMES);
}
