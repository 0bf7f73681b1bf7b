/** Waits for what comes of a call: parser.complete, or an event.rejected. */
import { API, call, query } from '#page/api/client.ts';
import { keptEvents, onEvents } from '#page/api/live.ts';
import { jsonLineReader } from '#page/api/parse-stream.ts';
import type { Sent } from '#page/api/send-event.ts';
import type { Call, EventLine } from '#shared/api/schemas.ts';
import { SECOND } from '#shared/durations.ts';

export interface CallAnswer {
  state: 'answered' | 'failed' | 'unknown';
  title: string;
  message?: string;
  result?: unknown;
  duration_ms?: number | undefined;
  revision?: string | undefined;
}

const PATIENCE = 90 * SECOND;
/** Between two looks at the record, where the stream of events has not told it before. */
const LOOK = 3 * SECOND;

/** Throws AbortError when the signal says so. */
export async function waitForAnswer({ correlation_id }: Sent, signal: AbortSignal): Promise<CallAnswer> {
  const isOurs = (event: EventLine) =>
    event.correlation_id === correlation_id && (event.type === 'parser.complete' || event.type === 'event.rejected');
  return await new Promise<CallAnswer>((resolve, reject) => {
    const stop = () => {
      unsubscribe();
      clearInterval(looking);
      clearTimeout(patience);
    };
    const end = (answer: CallAnswer) => {
      stop();
      resolve(answer);
    };
    const see = (events: readonly EventLine[]) => {
      const event = events.find(isOurs);
      if (event) {
        end(answerOf(event));
      }
    };
    const unsubscribe = onEvents(see);
    see(keptEvents());
    const looking = setInterval(() => {
      call(`${API}/events${query({ correlation_id })}`, { headers: { accept: 'application/x-ndjson' }, signal })
        .then((response) => response.text())
        .then((text) => see(jsonLineReader<EventLine>()(`${text}\n`)))
        // It is asked again.
        .catch(() => undefined);
    }, LOOK);
    const patience = setTimeout(() => {
      const message =
        'No answer is on record after 90 s. Of calls that succeed a sample is recorded (CALL_SAMPLE), so it may have been answered all the same. Where the function is not ready the event waits, and where nobody takes it, it comes to the dead letters.';
      end({ state: 'unknown', title: 'No answer yet', message });
    }, PATIENCE);
    signal.addEventListener('abort', () => {
      stop();
      reject(signal.reason);
    });
  });
}

function answerOf({ type, data }: EventLine): CallAnswer {
  const fields = (data ?? {}) as Partial<Call> & { reason?: string; problems?: { path: string; message: string }[] };
  if (type === 'event.rejected') {
    const problems = fields.problems?.map(({ path, message }) => `${path} ${message}`) ?? [];
    return { state: 'failed', title: `Rejected: ${fields.reason}`, message: problems.join('; ') };
  }
  const { succeeded, error, result, duration_ms, revision } = fields;
  return {
    state: succeeded ? 'answered' : 'failed',
    title: succeeded ? 'Answered' : (error?.type ?? 'Failed'),
    ...(error ? { message: error.message } : {}),
    ...(result === undefined ? {} : { result }),
    duration_ms,
    revision,
  };
}
