/** What a request is answered with: decided once, by whoever handles it first, so that one that is delivered twice has not two ends. */
import * as z from 'zod';
import type { ObjectStore } from '../clients/object-store.ts';
import type { NewEvent } from '../events/event.ts';
import { readJson } from '../read-json.ts';
import { forgetRequest, keyOf, type RequestAddress } from './requests.ts';

export interface RequestAnswer {
  /** The id of the one build.complete that ends the request: its own, or that of the build it joined. */
  end: string;
  /** What the first one replied: that very build.complete, or lifecycle.build.started of the Job that brings it about. */
  reply: NewEvent;
}

const PREFIX = 'answers/';

const answerSchema = z.object({ end: z.string(), reply: z.looseObject({ type: z.string() }) });

/** Undefined where nobody has answered yet. */
export async function readAnswer(store: ObjectStore, where: RequestAddress): Promise<RequestAnswer | undefined> {
  const { text } = await store.read(where.bucket, keyOf(PREFIX, where));
  return answerSchema.safeParse(readJson(text)).data as RequestAnswer | undefined;
}

/**
 * To be called before anything is told: the answer that stands, which is another's where another was faster.
 *
 *      first delivery:   ──┼ joins Job x ─┼ decide: x ─▶ "started x" ──            x is superseded
 *      second delivery:  ────────────────────────────────────────────┼ finds no x ─┼ decide: its own ─▶ x stands ─▶ "started x"
 */
export async function decide(store: ObjectStore, where: RequestAddress, answer: RequestAnswer): Promise<RequestAnswer> {
  if (await store.create(where.bucket, keyOf(PREFIX, where), JSON.stringify(answer), 'application/json')) {
    return answer;
  }
  return (await readAnswer(store, where)) ?? answer;
}

/** The end is told, and told as the request's own: it is kept in mind until build-complete has processed that. */
export function isOwnEnd({ end, reply }: RequestAnswer, { terminalId }: RequestAddress): boolean {
  return reply.type === 'build.complete' && end === terminalId;
}

/** The reply. Unless it is an end of the request's own, somebody else answers for the request from here on. */
export async function handOver(store: ObjectStore, where: RequestAddress, answer: RequestAnswer): Promise<NewEvent> {
  if (!isOwnEnd(answer, where)) {
    await forgetRequest(store, where);
  }
  return answer.reply;
}

/** Pages of what was answered, with S3's time. */
export function listAnswers(store: ObjectStore, bucket: string): ReturnType<ObjectStore['list']> {
  return store.list(bucket, PREFIX);
}
