/** One call of a function by an event, and its answer out of the stream of events. */
import { randomBytes, randomUUID } from 'node:crypto';
import { type EventLine, type Explanation, explanationSchema, timelineEntrySchema } from '#shared/api/schemas.ts';
import { deriveId } from '#shared/events/event.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { anySignal } from './any-signal.ts';
import { type Api, pause, SOURCE } from './client.ts';
import { Failure, Interrupted } from './failure.ts';
import { openEvents } from './follow-events.ts';
import type { Outage } from './outage.ts';
import { pathOf } from './session.ts';

/** CALL_SAMPLE below that is taken for none. Found in some hundred tries, which are milliseconds. */
const SMALLEST_SAMPLE = 0.002;

const ASK_MS = 3000;

export interface Called {
  id: string;
  trace_id: string;
  succeeded: boolean;
  result?: unknown;
  error?: { type: string; message: string };
  /** As the door measured it; the second from here. */
  duration_ms?: number;
  round_trip_ms: number;
  version?: string;
  /** Nobody could be called: the platform itself refused the call. */
  refused?: true;
}

export interface Call {
  identity: Identity;
  data: Buffer<ArrayBuffer> | string;
  contentType: string;
  /** How long to wait for the answer. */
  patienceMs: number;
  /** Told, once each, what is wrong with a call that is tried again. */
  onTrouble?: (explanation: Explanation) => void;
}

export interface Watching {
  outage?: Outage;
  /** What the platform knows while the call waits, for the case that no answer comes. */
  known?: () => string | undefined;
}

/** Throws Failure where no answer comes: it says of whom. */
export async function callFunction(
  api: Api,
  { identity, data, contentType, patienceMs, onTrouble = () => {} }: Call,
  signal: AbortSignal,
  { outage, known = () => undefined }: Watching = {},
): Promise<Called> {
  const subject = subjectOf(identity);
  const waiting = anySignal([signal], patienceMs);
  // Before the call: its answer may come at once.
  const events = await openEvents(api, { ...identity }, waiting, outage);
  const correlationid = `call-${randomUUID()}`;
  const traceId = randomBytes(16).toString('hex');
  const traceparent = `00-${traceId}-${randomBytes(8).toString('hex')}-01`;
  const began = performance.now();
  const { id } = await api.send(
    {
      id: sampledId(identity.third_party_id),
      type: 'parser.start',
      subject,
      contentType,
      extensions: { correlationid, traceparent },
      data,
    },
    signal,
  );
  const ended = new AbortController();
  try {
    const found = await Promise.race([
      inEvents(events, correlationid),
      inTimeline(api, identity, correlationid, anySignal([waiting, ended.signal])),
      trouble(api, { identity, id, onTrouble }, anySignal([waiting, ended.signal])),
    ]);
    if (found !== undefined) {
      return { id, trace_id: traceId, ...found, round_trip_ms: Math.round(performance.now() - began) };
    }
  } finally {
    ended.abort();
  }
  if (signal.aborted) {
    throw new Interrupted(`The call goes on, and its answer is an event: kn-lambda logs ${subject} --call ${id}`);
  }
  const last = known();
  throw new Failure(
    `${subject} has not answered within ${Math.round(patienceMs / 1000)} s; the call was taken (id ${id})${last === undefined ? '' : `; ${last}`}`,
    {
      next: `See what it waits for: kn-lambda explain function ${subject}`,
    },
  );
}

type Answer = ReturnType<typeof endIn>;

/** Undefined where the wait is over. */
async function inEvents(events: AsyncIterable<EventLine>, correlationId: string): Promise<Answer> {
  for await (const event of events) {
    const answer = event.correlation_id === correlationId ? endIn(event) : undefined;
    if (answer !== undefined) {
      return answer;
    }
  }
  return undefined;
}

/** Never an answer: what the platform knows of a call that nobody has answered yet. */
async function trouble(
  api: Api,
  { identity, id, onTrouble }: Pick<Call, 'identity'> & { id: string; onTrouble: NonNullable<Call['onTrouble']> },
  signal: AbortSignal,
): Promise<undefined> {
  const told = new Set<string>();
  while (!signal.aborted) {
    await pause(ASK_MS, signal).catch(() => {});
    const query = { about: 'call', ...identity, id };
    const found = await api.get('/api/v1/explain', explanationSchema, { query, signal }).catch(() => undefined);
    if (found && !found.healthy && !signal.aborted && !told.has(found.cause)) {
      told.add(found.cause);
      onTrouble(found);
    }
  }
  return undefined;
}

/** In case the stream has missed it: what is recorded stands here, too. */
async function inTimeline(api: Api, identity: Identity, correlationId: string, signal: AbortSignal): Promise<Answer> {
  const path = `/api/v1/timeline/${pathOf(identity)}/${correlationId}`;
  while (!signal.aborted) {
    await pause(ASK_MS, signal).catch(() => {});
    const entries = await api.list(path, timelineEntrySchema, { signal }).catch(() => []);
    for (const { event } of entries) {
      const answer = event && endIn(event);
      if (answer !== undefined) {
        return answer;
      }
    }
  }
  return undefined;
}

/**
 * Of the calls that succeed the platform records a sample, chosen by their ids, and only what is recorded is in the
 * stream. So the id is one that is in every sample, as the gateway writes it: with the tenant before it.
 */
export function sampledId(tenant: string): string {
  for (;;) {
    const id = randomUUID();
    if (Number.parseInt(deriveId('sample', SOURCE, `${tenant}.${id}`).slice(0, 8), 16) < SMALLEST_SAMPLE * 2 ** 32) {
      return id;
    }
  }
}

function endIn(event: Pick<EventLine, 'type' | 'data'>) {
  const answer = answerIn(event);
  return answer && { ...answer, ...(event.type === 'event.rejected' ? { refused: true as const } : {}) };
}

/** Undefined for an event that is no end of a call. */
export function answerIn({ type, data }: Pick<EventLine, 'type' | 'data'>) {
  const told = (data ?? {}) as Record<string, unknown>;
  if (type === 'parser.complete') {
    return told as unknown as Pick<Called, 'succeeded' | 'result' | 'error' | 'duration_ms'>;
  }
  if (type !== 'event.rejected') {
    return undefined;
  }
  const problems = Array.isArray(told['problems']) ? (told['problems'] as { path: string; message: string }[]) : [];
  // Some are sentences of their own, others go on from the name of the field.
  const message = problems.map(({ path, message: text }) => (/^the /.test(text) ? text : `${path} ${text}`)).join('; ');
  const error = { type: String(told['reason'] ?? 'Rejected'), message };
  return { succeeded: false, error };
}
