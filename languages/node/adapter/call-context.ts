/** A handler's second argument: what belongs to one call and is not its event. */
import { SECOND } from '#shared/durations.ts';
import { parseTraceparent } from '#shared/telemetry/traceparent.ts';
import { type Level, log } from './fail.ts';

type Log = (message: string, fields?: Record<string, unknown>) => void;

/** docs/functions.md describes it, for every language. */
export interface CallContext {
  id: string;
  source: string;
  subject: string | undefined;
  type: string;
  correlationId: string;
  traceparent: string | undefined;
  thirdPartyId: string | undefined;
  parserId: string | undefined;
  /** Lines of JSON on stderr, with the event's id, the correlation's and the trace's. */
  log: Record<'debug' | 'info' | 'warn' | 'error', Log>;
  /** Milliseconds until the caller is told Timeout; Infinity where calls have no limit. */
  remainingMs(): number;
  /** Aborts when the time is over: for fetch, timers and the like. */
  readonly signal: AbortSignal;
}

/** Made when the call begins: its time runs from then on. */
export function callContext(event: Record<string, unknown>, environment: NodeJS.ProcessEnv): CallContext {
  const seconds = Number(environment['FUNCTION_TIMEOUT_SECONDS']);
  const deadline = seconds > 0 ? performance.now() + seconds * SECOND : Number.POSITIVE_INFINITY;
  const remainingMs = () => Math.max(0, Math.floor(deadline - performance.now()));
  const id = String(event['id']);
  const correlationId = String(event['correlationid'] ?? id);
  const traceparent = text(event['traceparent']);
  const about = { event: id, correlation_id: correlationId, trace_id: parseTraceparent(traceparent)?.traceId };
  const at =
    (level: Level): Log =>
    (message, fields) =>
      log(level, String(message), { ...fields, ...about });
  let signal: AbortSignal | undefined;
  return {
    id,
    source: String(event['source']),
    subject: text(event['subject']),
    type: String(event['type']),
    correlationId,
    traceparent,
    thirdPartyId: environment['THIRD_PARTY_ID'],
    parserId: environment['PARSER_ID'],
    log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    remainingMs,
    // Only whoever asks for it needs a timer.
    get signal() {
      signal ??=
        deadline === Number.POSITIVE_INFINITY ? new AbortController().signal : AbortSignal.timeout(remainingMs());
      return signal;
    },
  };
}

function text(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}
