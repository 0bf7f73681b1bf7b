/** Calls that were kept, newest first: `history-calls/{third_party_id}/{parser_id}/{time from its end}-{hash}.json`. */
import type { Call } from '#shared/api/schemas.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { HOUR } from '#shared/durations.ts';
import { deriveId } from '#shared/events/event.ts';
import type { Identity } from '#shared/events/identity.ts';
import { parserCompleteSchema } from '#shared/events/parser.ts';
import { callHistoryPrefix } from '#shared/specs/s3-keys.ts';
import { countdown } from './build-index.ts';
import { eventKey } from './chain.ts';
import { inputKey } from './inputs.ts';
import { type CallRecord, parseRecorded, type RecordedEvent } from './recorded-event.ts';

export function callKey(identity: Identity, { time, source, id }: RecordedEvent): string {
  return `${callHistoryPrefix(identity)}${countdown(Date.parse(time))}-${deriveId(source, id)}.json`;
}

/** What is kept of a call beside its name in the list: its event and its input. `text`: of the object of that name. */
export function keysOfCall(key: string, text: string | undefined): string[] {
  const [, third_party_id = '', parser_id = ''] = key.split('/');
  const identity = { third_party_id, parser_id };
  const event = parseRecorded(text);
  if (!event) {
    return [];
  }
  const input = event.call?.input;
  return [eventKey(identity, event), ...(input === undefined ? [] : [inputKey(identity, input)])];
}

export interface KeptCall {
  /** The id of its input, where that is kept. */
  input?: string | undefined;
  /** The name below the function's prefix: a place in the order. */
  name: string;
  call: Call;
}

export async function* listCalls(
  store: Pick<ObjectStore, 'list' | 'read'>,
  bucket: string,
  identity: Identity,
  { after, limit }: { after?: string | undefined; limit: number },
): AsyncGenerator<KeptCall, void> {
  const prefix = callHistoryPrefix(identity);
  for await (const { objects } of store.list(bucket, prefix, { ...(after ? { after: prefix + after } : {}), limit })) {
    const read = objects.map(async ({ key }) => ({ key, event: parseRecorded((await store.read(bucket, key)).text) }));
    for (const { key, event } of await Promise.all(read)) {
      const call = event && callOf(identity, event);
      if (call) {
        yield { name: key.slice(prefix.length), call, input: event.call?.input };
      }
    }
  }
}

/** By the id of the call itself: that of its parser.start. */
function callOf(identity: Identity, event: RecordedEvent): Call | undefined {
  const data = parserCompleteSchema.safeParse(event.data).data;
  if (!data) {
    return undefined;
  }
  const { succeeded, error, result, duration_ms } = data;
  return {
    third_party_id: identity.third_party_id,
    parser_id: identity.parser_id,
    id: event.causation_id ?? event.id,
    time: event.time,
    succeeded,
    ...(event.correlation_id ? { correlation_id: event.correlation_id } : {}),
    ...(error ? { error: { ...error, ...(event.call?.stack ? { stack: event.call.stack } : {}) } } : {}),
    ...(result === undefined ? {} : { result }),
    ...(duration_ms === undefined ? {} : { duration_ms }),
    ...(event.revision ? { revision: event.revision } : {}),
    ...(event.call ? { cold: event.call.cold, phases: phasesOf(event, event.call, duration_ms) } : {}),
  };
}

/** Longer than any call may wait: then the sender's clock, or its time, says nothing. */
const LONGEST_WAIT = HOUR;

/**
 * Where the time of a call went, in order. The function tells its own time; what the door waited for beside it is the
 * start of a pod, if there was one, and the way there and back.
 */
function phasesOf(event: RecordedEvent, { asked_at, called_at, ms }: CallRecord, own = ms): Call['phases'] {
  const [asked, called, answered] = [Date.parse(asked_at ?? ''), Date.parse(called_at), Date.parse(event.time)];
  const inside = Math.min(own, ms);
  const waited = called - asked;
  const marks = [
    ...(waited >= 0 && waited < LONGEST_WAIT ? [{ name: 'wait', from: asked, to: called }] : []),
    { name: 'start', from: called, to: called + ms - inside },
    { name: 'function', from: called + ms - inside, to: called + ms },
    { name: 'answer', from: called + ms, to: Math.max(answered, called + ms) },
  ];
  return marks.map(({ name, from, to }) => ({
    name,
    started_at: new Date(from).toISOString(),
    duration_ms: Math.round((to - from) * 1000) / 1000,
  }));
}
