/** parser-events, the door: makes every call of a function, and replies what became of it. */
import type { CloudEvent } from 'cloudevents';
import { MINUTE, SECOND } from '#shared/durations.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { deriveId, type NewEvent, type ReceivedOf } from '#shared/events/event.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import type { Reason } from '#shared/events/reasons.ts';
import { CALL_RECORD, IS_RECORDED } from '#shared/events/recorded.ts';
import { eventRejected } from '#shared/events/rejected.ts';
import { routeOf } from '#shared/events/route.ts';
import { brokenCall, crashOf, lastWords, whatBroke } from '#shared/history/crashes.ts';
import type { CallRecord } from '#shared/history/recorded-event.ts';
import type { ContainerEnd } from '#shared/kubernetes/container-ends.ts';
import { parseExactJson } from '#shared/runtime/exact-json.ts';
import { isStructured } from '#shared/runtime/media-type.ts';
import type { HandlerContext } from '#shared/runtime/types.ts';
import { LANE, type Lane } from '#shared/specs/delivery.ts';
import { within } from '#shared/within.ts';
import { appliedSeconds } from './applied-time.ts';
import type { CallResult } from './call-function.ts';
import { callRequest } from './call-request.ts';
import type { CallReport, HandedOn, ParserEventsDependencies } from './dependencies.ts';
import {
  describeAbsence,
  type Found,
  findFunction,
  forgetFunction,
  knownFunction,
  type ReadyFunction,
  wasJustSeen,
} from './find-function.ts';
import {
  ANSWER_BYTES,
  failure,
  judgeAnswer,
  mayBeOfProxy,
  mayBeOutOfTime,
  tooSlow,
  type Verdict,
} from './judge-answer.ts';
import type { CallLane } from './places.ts';
import { endedDuring, endedSinceItBroke, hadPod, isKilledForMemory, wholeSeconds } from './pods.ts';
import { isCold, noteAnswer } from './warm.ts';

type Call = ReceivedOf<'parser.start' | 'parser.deliver'>;
type Reply = NewEvent<'parser.complete' | 'parser.deliver' | 'event.rejected'>;

interface Calling {
  event: Call;
  identity: Identity;
  lane: CallLane;
  deps: ParserEventsDependencies;
  context: HandlerContext;
}

/** The one request to the function. Times in milliseconds. */
interface CallMade {
  found: ReadyFunction;
  began: number;
  milliseconds: number;
  cold: boolean;
  /** Of an error that the handler raised. */
  stack: string | undefined;
}

/** Longer than the function's own time, which ends first wherever Knative keeps it. */
const MARGIN = 5 * SECOND;
/** The door's own requests end after 600 s. */
const LONGEST_CALL = 595 * SECOND;
/** How long the other lanes wait for a place, before the Broker tries again. */
const WAIT_FOR_PLACE = 30 * SECOND;
/** How long an ingress gateway may take to learn of a function that Knative calls ready. */
const ROUTED_WITHIN = MINUTE;
/** How long the main lane waits for Kubernetes and S3 to say whether there is such a function. */
const WAIT_FOR_LOOK_UP = SECOND;

/**
 * On the main lane everything that takes long is handed on at once, so that nobody's retries hold its places. The other
 * lanes answer 503 to what passes: the Broker tries again, and keeps a dead letter at last.
 *
 *      parser.start ─▶ main ─┬ called ──────────────────────────────────▶ parser.complete
 *                            ├ own ─────── parser.deliver ─▶ own queue ─▶ called
 *                            └ no place, not ready, broken ─ parser.deliver ─▶ overflow ─▶ called, or 503
 */
export async function handleParserEvent(
  event: ReceivedOf<'parser.start' | 'parser.deliver' | 'parser.complete'>,
  deps: ParserEventsDependencies,
  context: HandlerContext,
): Promise<Reply | undefined> {
  // A Trigger of an older installation brings it. Whoever calls a function is who counts its answers.
  if (event.type === 'parser.complete') {
    return undefined;
  }
  const route = routeOf(event);
  if ('problems' in route) {
    return eventRejected(asSent(event), 'InvalidEvent', route.problems);
  }
  const calling: Calling = { event, identity: route.identity, lane: laneOf(event), deps, context };
  const found = await lookUp(calling);
  return found ? await proceed(calling, found) : handOn(calling, 'overflow', 'look-up');
}

/** Undefined on the main lane where Kubernetes or S3 is slow or down: nobody waits for them there. */
async function lookUp({ identity, lane, deps }: Calling): Promise<Found | undefined> {
  const known = knownFunction(identity, deps);
  if (known) {
    return known;
  }
  const finding = findFunction(identity, deps);
  if (lane !== 'main') {
    return await finding;
  }
  try {
    return await within(WAIT_FOR_LOOK_UP, finding, undefined);
  } catch (error) {
    if (error instanceof RetryableError) {
      return undefined;
    }
    throw error;
  }
}

async function proceed(calling: Calling, found: Found): Promise<Reply | undefined> {
  const { identity, lane } = calling;
  switch (found.kind) {
    case 'routed':
      return undefined;
    case 'deleted':
    case 'unknown':
      return reject(calling, 'NoSuchFunction', describeAbsence(identity, found));
    case 'coming':
      return await awaitFunction(calling, found);
    case 'ready':
      return found.delivery === 'own' && lane === 'main'
        ? handOn(calling, 'own', 'own')
        : await callWithin(calling, found);
  }
}

function reject({ event, identity }: Calling, reason: Reason, message: string): Reply {
  // Its data is the user's own, so ids in there are not the function that was called.
  return { ...eventRejected(asSent(event), reason, [{ path: 'subject', message }]), subject: subjectOf(identity) };
}

async function awaitFunction(calling: Calling, first: Extract<Found, { kind: 'coming' }>): Promise<Reply | undefined> {
  const { event, identity, lane, deps } = calling;
  if (lane === 'main') {
    return handOn(calling, 'overflow', 'not ready');
  }
  const found = await deps.patience.lookAgain<Found>(
    first,
    ({ kind }) => kind === 'coming',
    () => findFunction(identity, deps),
  );
  if (found.kind !== 'coming') {
    return await proceed(calling, found);
  }
  const message = `the function "${subjectOf(identity)}" cannot be called yet: ${found.detail}`;
  if (deps.patience.isOver(event)) {
    return reject(calling, 'FunctionNotReady', message);
  }
  throw new RetryableError('FunctionNotReady', message);
}

/** Calls it as soon as there is a place. */
async function callWithin(calling: Calling, found: ReadyFunction): Promise<Reply | undefined> {
  const { identity, lane, deps, context } = calling;
  const leave =
    lane === 'main'
      ? deps.places.take(lane, identity, found.capacity)
      : await deps.places.wait(lane, identity, found.capacity, WAIT_FOR_PLACE);
  if (!leave) {
    if (lane === 'main') {
      return handOn(calling, 'overflow', 'no place');
    }
    // Not handed on once more: each time may leave two copies, and a queue that feeds itself would grow without end.
    throw new RetryableError('Throttled', `the function "${subjectOf(identity)}" has no place for another call yet`);
  }
  try {
    if (context.request.isGone?.()) {
      throw new RetryableError('Unavailable', 'the Broker that brought this call is gone: it brings the call again');
    }
    return await call(calling, found);
  } finally {
    leave();
  }
}

async function call(calling: Calling, found: ReadyFunction): Promise<Reply | undefined> {
  const { event, identity, deps, context } = calling;
  const { timeoutSeconds, revision } = found;
  const began = deps.now().getTime();
  const limits = { milliseconds: Math.min(timeoutSeconds * SECOND + MARGIN, LONGEST_CALL), bytes: ANSWER_BYTES };
  const cold = isCold(deps.known.answered, revision, deps.now());
  const result = await deps.call(found.url, callRequest(event, identity, context.request), limits);
  const milliseconds = deps.now().getTime() - began;
  if (result.kind === 'answered' && result.status === 404) {
    // The function, or a proxy that knows it no longer, however short ago it was looked up.
    forgetFunction(identity, deps, mayBeOfProxy(result) ? 0 : undefined);
    const now = await lookUp(calling);
    if (!now) {
      return handOn(calling, 'overflow', 'look-up');
    }
    if (now.kind !== 'ready') {
      return await proceed(calling, now);
    }
    if (!wasJustSeen(identity, deps)) {
      return passed(calling, 'the answer was 404, and Kubernetes does not say whether the function is still there');
    }
    if (mayBeOfProxy(result) && mayBeUnrouted(now, deps)) {
      return passed(calling, 'the answer was 404, and it has just become ready: the ingress may not know it yet');
    }
  }
  const verdict = await judge(calling, found, { result, began, milliseconds });
  if (verdict.kind === 'answer') {
    noteAnswer(deps.known.answered, revision, deps.now());
  }
  const { outcome, reason } = outcomeOf(verdict);
  const { lane } = calling;
  deps.metrics.called({ identity, lane, revision, outcome, reason, cold, seconds: milliseconds / SECOND });
  context.note({ call: { outcome, ...(reason ? { reason } : {}), lane, revision, cold, duration_ms: milliseconds } });
  return verdict.kind === 'answer'
    ? complete(calling, verdict.data, { found, began, milliseconds, cold, stack: verdict.stack })
    : passed(calling, verdict.detail);
}

interface Made {
  result: CallResult;
  /** In milliseconds since the epoch. */
  began: number;
  milliseconds: number;
}

/** What it means that a call has ended so: by what the answer says, and by what became of the function's pods. */
async function judge(calling: Calling, found: ReadyFunction, { result, began, milliseconds }: Made): Promise<Verdict> {
  const { event, deps, context } = calling;
  const { name, timeoutSeconds } = found;
  const after = mayBeOutOfTime(result) ? await timeAfter(calling, found) : timeoutSeconds;
  if (result.kind === 'too slow' && after > timeoutSeconds) {
    // The door itself has ended the call, by the time of the version before. The one that serves now has more.
    const detail = `it was given ${timeoutSeconds} s, which had just been raised to ${after} s`;
    return { kind: 'passes', detail, crashed: false };
  }
  const applied = appliedSeconds([timeoutSeconds, after], milliseconds);
  const made = { contextId: contextIdOf(event.data, context.request), milliseconds, timeoutSeconds: applied };
  const verdict = judgeAnswer(result, made);
  const end = verdict.kind === 'passes' && verdict.crashed ? await endedDuring(name, began, deps) : undefined;
  if (end && isKilledForMemory(end)) {
    return failure('OutOfMemory', OUT_OF_MEMORY, made);
  }
  if (verdict.kind === 'passes' && verdict.crashed) {
    return { ...verdict, detail: await noteCrash(calling, found, { end, began, detail: verdict.detail }) };
  }
  if (verdict.kind === 'passes' && verdict.outOfTime && (await hadPod(name, began, deps))) {
    return failure('Timeout', tooSlow(made), made);
  }
  return verdict;
}

/** It is kept for those who ask why: the pod and its log go with the function's sleep. */
async function noteCrash(
  calling: Calling,
  { name, revision }: ReadyFunction,
  { end: own, began, detail }: { end: ContainerEnd | undefined; began: number; detail: string },
): Promise<string> {
  const { event, identity, deps } = calling;
  const call = { call: event.id, revision };
  const end = await endedSinceItBroke(name, { end: own, began }, deps);
  // No later than an end that shows only when the call is tried again: the latest of both is what counts.
  const crash = end ? crashOf(end, call) : brokenCall(new Date(wholeSeconds(began)), { ...call, detail });
  await deps.crashes.keep(identity, crash);
  const words = lastWords(crash);
  return end ? `${whatBroke(crash, 'during the call')}${words === '' ? '' : `: ${words}`}` : detail;
}

/** Seconds that the function may take as it is now: what was known before the call may have changed. */
async function timeAfter(calling: Calling, found: ReadyFunction): Promise<number> {
  forgetFunction(calling.identity, calling.deps);
  const now = await lookUp(calling).catch(() => undefined);
  return now?.kind === 'ready' ? now.timeoutSeconds : found.timeoutSeconds;
}

function mayBeUnrouted({ revision, readySince }: ReadyFunction, { known, now }: ParserEventsDependencies): boolean {
  return !known.answered.has(revision) && now().getTime() - readySince < ROUTED_WITHIN;
}

const OUT_OF_MEMORY =
  'a pod of the function was killed during the call, for it took more memory than its limit: raise parameters.resources.limits.memory, or let the function take less';

function passed(calling: Calling, detail: string): Reply {
  const { identity, lane, deps } = calling;
  forgetFunction(identity, deps);
  if (lane === 'main') {
    return handOn(calling, 'overflow', 'passed');
  }
  throw new RetryableError('Unavailable', `the function "${subjectOf(identity)}" could not be called: ${detail}`);
}

function complete(
  { event, identity, deps }: Calling,
  data: Extract<Verdict, { kind: 'answer' }>['data'],
  made: CallMade,
): Reply {
  const subject = subjectOf(identity);
  const isKept = !data.succeeded || isInSample(event, deps.callSample);
  // Its id follows from the call's source and id, as that of every reply: another delivery gives the same.
  return {
    type: 'parser.complete',
    source: `knative-lambda/functions/${subject}`,
    subject,
    data,
    ...(isKept ? { extensions: recordOf(event, identity, made, deps) } : {}),
  };
}

/** What only the door knows of a call that is kept: where its time went, and what it was called with. */
function recordOf(
  event: Call,
  identity: Identity,
  { found, began, milliseconds, cold, stack }: CallMade,
  { inputs }: ParserEventsDependencies,
): Record<string, string> {
  const { revision, record } = found;
  const input = record ? inputs.keep(identity, event, event.data) : undefined;
  const asked = Date.parse(event.time ?? '');
  const call: CallRecord = {
    // A Broker writes the year 1 where the sender said nothing.
    ...(asked > 0 ? { asked_at: new Date(asked).toISOString() } : {}),
    called_at: new Date(began).toISOString(),
    ms: milliseconds,
    cold,
    ...(input ? { input } : {}),
    ...(stack ? { stack } : {}),
  };
  return { ...IS_RECORDED, revision, [CALL_RECORD]: JSON.stringify(call) };
}

/** By its id, so that every delivery of a call is in it, or none. */
function isInSample({ source, id }: Call, share: number): boolean {
  return Number.parseInt(deriveId('sample', source, id).slice(0, 8), 16) < share * 2 ** 32;
}

function outcomeOf(verdict: Verdict): Pick<CallReport, 'outcome' | 'reason'> {
  if (verdict.kind === 'passes') {
    return { outcome: 'passed' };
  }
  return verdict.data.succeeded
    ? { outcome: 'succeeded' }
    : { outcome: 'failed', reason: verdict.reason ?? 'HandlerFailed' };
}

const ATTRIBUTES = new Set([
  'id',
  'source',
  'specversion',
  'type',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
  'data',
  'data_base64',
]);

/** The same event, with the same source and id: so whatever lane it comes by, its answer is the same one. */
function handOn(calling: Calling, lane: Lane, why: HandedOn): NewEvent<'parser.deliver'> {
  const { event, identity, context, deps } = calling;
  deps.metrics.handedOn(calling.lane, why);
  context.note({ handed_on: { from: calling.lane, to: lane, why } });
  const { datacontenttype, dataschema } = event.original;
  const extensions = Object.entries(event.original.toJSON()).filter(
    ([name, value]) => !ATTRIBUTES.has(name) && value !== undefined && value !== null,
  );
  const causationid = event.original['causationid'];
  return {
    type: 'parser.deliver',
    id: event.id,
    source: event.source,
    subject: subjectOf(identity),
    // The bytes: decoded and encoded again, long numbers would lose digits.
    data: isStructured(context.request.headers['content-type']) ? event.data : context.request.body,
    extensions: {
      ...Object.fromEntries(extensions.map(([name, value]) => [name, String(value)])),
      ...(dataschema ? { dataschema } : {}),
      [LANE]: lane,
    },
    ...(typeof causationid === 'string' ? { causationId: causationid } : {}),
    ...(datacontenttype ? { datacontenttype } : {}),
    ...(event.time ? { time: event.time } : {}),
  };
}

function laneOf(event: Call): CallLane {
  return event.type === 'parser.start' ? 'main' : event.original[LANE] === 'own' ? 'own' : 'overflow';
}

/** The event that its sender knows: a parser.deliver is nobody's but ours. */
function asSent(event: Call): CloudEvent<unknown> {
  return event.type === 'parser.start'
    ? event.original
    : event.original.cloneWith({ type: 'parser.start', [LANE]: undefined }, false);
}

/** By this field callers tell their calls apart. */
function contextIdOf(data: unknown, request: HandlerContext['request']): string | number | null {
  const value = contextField(data);
  if (
    typeof value === 'number' &&
    !Number.isSafeInteger(value) &&
    request.body &&
    !isStructured(request.headers['content-type'])
  ) {
    // Its digits are in the bytes alone.
    return contextField(parseExactJson(request.body.toString('utf8'))) as number;
  }
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}

function contextField(data: unknown): unknown {
  const fields = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
  return fields['context_id'] ?? fields['contextId'];
}
