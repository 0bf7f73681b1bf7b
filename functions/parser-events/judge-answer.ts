/**
 * What became of a call, by who answered: what the function says is an answer, whatever it is; what Knative says in its
 * place passes, and is tried again. The table in docs/functions.md describes the same.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { bounded } from '#shared/bounded-text.ts';
import { type ParserComplete, parserCompleteSchema } from '#shared/events/parser.ts';
import { redactCredentials } from '#shared/redact-credentials.ts';
import { parseExactJson } from '#shared/runtime/exact-json.ts';
import { decodeHeaderValue } from '#shared/runtime/header-value.ts';
import { isJson, isStructured, isText, mediaType } from '#shared/runtime/media-type.ts';
import { toldSeconds } from './applied-time.ts';
import type { CallResult } from './call-function.ts';

export type Verdict =
  /** `stack`: of an error that the handler raised, as our adapters tell it. */
  | { kind: 'answer'; data: ParserComplete; reason?: CallFailure; stack?: string }
  /** Nobody's fault, or not known to be the function's. */
  | { kind: 'passes'; detail: string; crashed: boolean; outOfTime?: true };

export type CallFailure = 'BadReply' | 'Timeout' | 'OutOfMemory';

export interface Call {
  contextId: string | number | null;
  /** How long the function was waited for. */
  milliseconds: number;
  timeoutSeconds: number;
}

const MIB = 1024 * 1024;
/** Of the answer that is read, and of the parser.complete that is made of it. */
export const ANSWER_BYTES = MIB;
const MAX_MESSAGE = 512;

export function judgeAnswer(result: CallResult, call: Call): Verdict {
  switch (result.kind) {
    case 'too slow':
      return failure('Timeout', tooSlow(call), call);
    case 'too large':
      return failure('BadReply', tooLarge(), call);
    case 'broken':
      // queue-proxy cuts an answer off that has begun and is not complete in time.
      return result.began && call.milliseconds >= call.timeoutSeconds * 1000
        ? failure('Timeout', tooSlow(call), call)
        : { kind: 'passes', detail: `the connection to the function broke: ${result.detail}`, crashed: true };
    case 'answered':
      return judgeResponse(result, call);
  }
}

type Response = Extract<CallResult, { kind: 'answered' }>;

function judgeResponse(response: Response, call: Call): Verdict {
  const { status, headers, body } = response;
  const platform = saidByPlatform(response);
  if (platform === 'timeout') {
    return failure('Timeout', tooSlow(call), call);
  }
  if (platform) {
    const detail = `instead of the function, Knative answered ${status}: ${excerpt(body)}`;
    const outOfTime = platform === 'out of time' ? { outOfTime: true as const } : {};
    return { kind: 'passes', detail, crashed: platform === 'broken', ...outOfTime };
  }
  if (isCutOff(body, call)) {
    return failure('Timeout', tooSlow(call), call);
  }
  if (status >= 200 && status < 300) {
    return withStack(headers, bounded1MiB(judgeSuccess(headers, body, call), call));
  }
  const location = headers.location ? ` to ${bounded(headers.location, 100)}, which nobody follows` : '';
  return failure(
    'BadReply',
    `the function answered with status ${status}${location}: ${excerpt(body)}. Answer 200 with the result, or raise an error in the handler`,
    call,
  );
}

const LONGEST_STACK = 2000;

function withStack(headers: IncomingHttpHeaders, verdict: Verdict): Verdict {
  const told = headers['x-function-stack'];
  return typeof told === 'string' &&
    verdict.kind === 'answer' &&
    !verdict.data.succeeded &&
    verdict.reason === undefined
    ? { ...verdict, stack: bounded(redactCredentials(decodeHeaderValue(told)), LONGEST_STACK) }
    : verdict;
}

type Meaning = 'timeout' | 'out of time' | 'broken' | 'waiting';

/** What the activator, queue-proxy and the ingress write (Knative 1.22), and the embedded platform in their place. */
const BY_PLATFORM: [status: number, text: RegExp, meaning: Meaning][] = [
  // By queue-proxy: the container had all of its time. The activator's clock began before, so its answer comes first
  // where it is in the way; then a pod may have been there, or none.
  [504, /^request timeout\s*$/, 'timeout'],
  [504, /^activator request timeout/, 'out of time'],
  [504, /^upstream request timeout/, 'waiting'],
  [503, /^(pending request queue full|no healthy upstream)/, 'waiting'],
  [
    503,
    /^(upstream connect error|no pod had room|the revision takes no more|Service "[^"]*" is not ready)/i,
    'waiting',
  ],
  [503, /^(activator overload|context deadline exceeded)/, 'waiting'],
  // The errors of Go's reverse proxy, as queue-proxy and the activator write them.
  [502, /^((dial|read|write|readfrom) tcp|(unexpected )?EOF\s*$|context canceled|(net\/)?http: )/, 'broken'],
  [502, /(connection refused|connection reset by peer|broken pipe|use of closed network connection)\s*$/, 'broken'],
  [502, /^(the function's pod broke the connection|upstream connect error)/, 'broken'],
];

/** Whether a 404 may be that of an ingress without a route to the function. Knative's have no body. */
export function mayBeOfProxy({ headers, body }: Response): boolean {
  const said = /^(there is no Service "|404 page not found\s*$)/.test(body.toString('latin1', 0, 100));
  return (body.length === 0 || said) && !headers['ce-type'];
}

/** Whether how it is judged depends on the time that the function had. */
export function mayBeOutOfTime(result: CallResult): boolean {
  return result.kind === 'answered'
    ? result.status === 504 || CUT_OFF.test(endOf(result.body))
    : result.kind === 'too slow' || (result.kind === 'broken' && result.began);
}

/** An answer that has begun and is not complete in time is ended by Knative's own words. */
const CUT_OFF = /(activator )?request timeout\s*$/;

function isCutOff(body: Buffer, { milliseconds, timeoutSeconds }: Call): boolean {
  return milliseconds >= timeoutSeconds * 1000 - 100 && CUT_OFF.test(endOf(body));
}

function endOf(body: Buffer): string {
  return body.subarray(-50).toString('latin1');
}

/** No answer of Knative's is longer. */
const LONGEST_OF_PLATFORM = 1000;

function saidByPlatform({ status, headers, body }: Response): Meaning | undefined {
  if (status < 502 || status > 504 || headers['ce-type'] !== undefined || body.length > LONGEST_OF_PLATFORM) {
    return undefined;
  }
  const text = body.toString('utf8');
  // Our own adapter of Node.js, before the user's code is loaded.
  if (status === 503 && mediaType(headers['content-type']) === 'application/problem+json') {
    return /"reason":\s*"Starting"/.test(text) ? 'waiting' : undefined;
  }
  if (headers['content-type'] !== undefined && mediaType(headers['content-type']) !== 'text/plain') {
    return undefined;
  }
  // An ingress that has nothing to say says nothing, and a container that crashes in mid-request neither.
  const silent = text === '' ? (status === 502 ? 'broken' : 'waiting') : undefined;
  return silent ?? BY_PLATFORM.find(([of, pattern]) => of === status && pattern.test(text))?.[2];
}

function judgeSuccess(headers: IncomingHttpHeaders, body: Buffer, call: Call): Verdict {
  const contentType = headers['content-type'];
  const media = mediaType(contentType);
  if (isStructured(contentType)) {
    return judgeStructured(media, body, call);
  }
  if (headers['ce-type'] !== undefined || headers['ce-specversion'] !== undefined) {
    return judgeEvent(headers['ce-type']?.toString(), body, call);
  }
  if (body.length === 0) {
    return success(null, call);
  }
  const text = utf8(body);
  if (isJson(contentType)) {
    const value = text === undefined ? undefined : readJsonOf(body);
    return value === undefined
      ? failure(
          'BadReply',
          `the function's answer is not the JSON that its content type ${media} says: ${excerpt(body)}`,
          call,
        )
      : success(value, call);
  }
  return (media === '' || isText(contentType)) && text !== undefined
    ? success(text, call)
    : success({ datacontenttype: media || 'application/octet-stream', data_base64: body.toString('base64') }, call);
}

function judgeStructured(media: string, body: Buffer, call: Call): Verdict {
  const event = media.startsWith('application/cloudevents-batch') ? undefined : readJsonOf(body);
  if (!isObject(event)) {
    return failure('BadReply', `the function's answer is not one CloudEvent, as its content type ${media} says`, call);
  }
  const { type, data, data_base64 } = event;
  const decoded = typeof data_base64 === 'string' ? Buffer.from(data_base64, 'base64') : (JSON.stringify(data) ?? '');
  return judgeEvent(typeof type === 'string' ? type : undefined, Buffer.from(decoded), call);
}

/** Of an event the data alone is taken: all else is the door's. */
function judgeEvent(type: string | undefined, body: Buffer, call: Call): Verdict {
  if (type !== 'parser.complete') {
    const shown = type === undefined ? 'without a type' : `of type "${bounded(type, 100)}"`;
    return failure(
      'BadReply',
      `the function answered with an event ${shown}, which is not sent: a function answers parser.complete, or its result alone`,
      call,
    );
  }
  const exact = readJsonOf(body);
  const parsed = parserCompleteSchema.safeParse(exact === undefined ? undefined : JSON.parse(body.toString('utf8')));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = ['data', ...(issue?.path ?? [])].map(String).join('.');
    return failure('BadReply', `the function's parser.complete is not valid: ${where}: ${issue?.message}`, call);
  }
  const { error, ...rest } = parsed.data;
  // The schema sees numbers, whose digits may be lost; the caller gets the digits.
  const { result, context_id } = exact as Pick<ParserComplete, 'result' | 'context_id'>;
  return {
    kind: 'answer',
    data: {
      ...rest,
      ...(result === undefined ? {} : { result }),
      context_id: context_id ?? call.contextId,
      duration_ms: rest.duration_ms ?? call.milliseconds,
      ...(error ? { error: { type: bounded(error.type, 100), message: error.message.slice(0, MAX_MESSAGE) } } : {}),
    },
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function success(result: unknown, { contextId, milliseconds }: Call): Verdict {
  return {
    kind: 'answer',
    data: { context_id: contextId, succeeded: true, result, duration_ms: milliseconds },
  };
}

export function failure(reason: CallFailure, message: string, { contextId, milliseconds }: Call): Verdict {
  const error = { type: reason, message: message.slice(0, MAX_MESSAGE) };
  return {
    kind: 'answer',
    reason,
    data: { context_id: contextId, succeeded: false, error, duration_ms: milliseconds },
  };
}

/** In base64, or with escapes, an answer grows. */
function bounded1MiB(verdict: Verdict, call: Call): Verdict {
  return verdict.kind === 'answer' && Buffer.byteLength(JSON.stringify(verdict.data)) > ANSWER_BYTES
    ? failure('BadReply', tooLarge(), call)
    : verdict;
}

export function tooSlow({ timeoutSeconds, milliseconds }: Pick<Call, 'timeoutSeconds' | 'milliseconds'>): string {
  const seconds = toldSeconds(timeoutSeconds, milliseconds);
  return `the function did not answer within its ${seconds} s. Make it faster, or raise parameters.timeout_seconds`;
}

function tooLarge(): string {
  return "the function's answer is larger than the 1 MiB that an event may have: put it into S3 and answer where it is";
}

function readJsonOf(body: Buffer): unknown {
  const text = utf8(body);
  try {
    return text === undefined ? undefined : parseExactJson(text);
  } catch {
    return undefined;
  }
}

function utf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function excerpt(body: Buffer): string {
  const text = bounded(body.subarray(0, 1000).toString('utf8').replaceAll(/\s+/g, ' ').trim(), 200);
  return text === '' ? 'without a body' : `"${text}"`;
}
