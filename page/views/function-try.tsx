/** Sends a call to the function, and shows what comes of it. */
import { useEffect, useState } from 'preact/hooks';
import { type ApiError, functionPath, query } from '#page/api/client.ts';
import { type Sent, sendEvent } from '#page/api/send-event.ts';
import { useResource } from '#page/api/use-api.ts';
import { asCurl, asKn } from '#page/copy-as.ts';
import { duration, pretty } from '#page/format.ts';
import { useMe } from '#page/me.ts';
import { CallPhases } from '#page/parts/call-phases.tsx';
import { Copy } from '#page/parts/copy.tsx';
import { Mark } from '#page/parts/mark.tsx';
import { Failure } from '#page/parts/notices.tsx';
import { useNow } from '#page/parts/use-now.ts';
import type { Call, FunctionDetail } from '#shared/api/schemas.ts';
import { printable } from '#shared/printable.ts';
import { type CallAnswer, waitForAnswer } from './wait-for-answer.ts';

type Stage =
  | { at: 'idle' }
  | { at: 'sent'; since: number; sent?: Sent }
  | { at: 'answered'; took: number; sent: Sent; answer: CallAnswer }
  | { at: 'failed'; error: ApiError };

const HINT_AFTER = 8000;
/** Calls among which the one is that was just answered. */
const NEWEST = 20;

export function TryIt({ detail }: { detail: FunctionDetail }) {
  const me = useMe();
  const key = `knative-lambda-try ${functionPath(detail)}`;
  const [text, setText] = useState(() => sessionStorage.getItem(key) ?? '{\n  "name": "world"\n}');
  const [stage, setStage] = useState<Stage>({ at: 'idle' });
  const parsed = parse(text);
  const subject = `${detail.third_party_id}/${detail.parser_id}`;

  // What is under way when the reader leaves is not waited for any more.
  const [controller] = useState(() => new AbortController());
  useEffect(() => () => controller.abort(), []);

  const send = async () => {
    if (!('data' in parsed) || stage.at === 'sent') {
      return;
    }
    sessionStorage.setItem(key, text);
    const since = Date.now();
    const began = performance.now();
    setStage({ at: 'sent', since });
    try {
      const sent = await sendEvent({ type: 'parser.start', subject, data: parsed.data });
      setStage({ at: 'sent', since, sent });
      const answer = await waitForAnswer(sent, controller.signal);
      setStage({ at: 'answered', took: performance.now() - began, sent, answer });
    } catch (error) {
      if (!controller.signal.aborted) {
        setStage({ at: 'failed', error: error as ApiError });
      }
    }
  };

  const event = { type: 'parser.start', subject, data: 'data' in parsed ? parsed.data : {} };
  const sender = { url: `${location.origin}/`, needsToken: me.authentication === 'required' };
  const kn = asKn(event, sender);
  return (
    <div class="columns try">
      <section class="card" aria-labelledby="event">
        <h2 id="event">Event</h2>
        <label class="unseen" for="try-data">
          Data of the event, as JSON
        </label>
        <textarea
          id="try-data"
          class="code"
          rows={12}
          spellcheck={false}
          value={text}
          aria-invalid={'problem' in parsed}
          aria-describedby="try-problem"
          onInput={(change) => setText(change.currentTarget.value)}
          onKeyDown={(press) => {
            if (press.key === 'Enter' && (press.metaKey || press.ctrlKey)) {
              press.preventDefault();
              void send();
            }
          }}
        />
        <p id="try-problem" class="bad-text">
          {'problem' in parsed && `That is no JSON: ${parsed.problem}`}
        </p>
        <div class="actions">
          <Copy text={asCurl(event, sender)} label="Copy as curl" />
          {kn !== undefined && <Copy text={kn} label="Copy as kn" />}
          <button
            type="button"
            class="primary push"
            disabled={'problem' in parsed || stage.at === 'sent'}
            onClick={() => void send()}
          >
            Send
          </button>
        </div>
      </section>
      <section class="card" aria-labelledby="answer" aria-live="polite">
        <h2 id="answer">Answer</h2>
        <AnswerOf stage={stage} />
        {stage.at === 'answered' && <WayOfCall detail={detail} sent={stage.sent} />}
      </section>
    </div>
  );
}

function AnswerOf({ stage }: { stage: Stage }) {
  if (stage.at === 'idle') {
    return (
      <p class="quiet">
        Send the event, and the answer shows here. A function that sleeps is woken: that takes a second or two.
      </p>
    );
  }
  if (stage.at === 'failed') {
    return <Failure error={stage.error} />;
  }
  if (stage.at === 'sent') {
    return <Waiting since={stage.since} />;
  }
  const { answer, took, sent } = stage;
  return (
    <>
      <dl class="facts small">
        <div>
          <dt>Answer</dt>
          <dd>
            <Mark state={answer.state === 'answered' ? 'answered' : answer.state === 'failed' ? 'failed' : 'unknown'}>
              {answer.title}
            </Mark>
          </dd>
        </div>
        <div>
          <dt>Event to answer</dt>
          <dd class="number">{duration(took)}</dd>
        </div>
        <div>
          <dt>In the function</dt>
          <dd class="number">{duration(answer.duration_ms)}</dd>
        </div>
        {answer.revision !== undefined && (
          <div>
            <dt>Version</dt>
            <dd>{answer.revision}</dd>
          </div>
        )}
        <div>
          <dt>Trace id</dt>
          <dd>
            <code class="long">{sent.trace_id}</code>
          </dd>
        </div>
      </dl>
      {answer.message !== undefined && (
        <p class={answer.state === 'failed' ? 'bad-text' : undefined}>{printable(answer.message)}</p>
      )}
      {answer.result !== undefined && (
        <>
          <pre class="data">{printable(pretty(answer.result))}</pre>
          <div class="actions">
            <Copy text={pretty(answer.result)} label="Copy the answer" />
          </div>
        </>
      )}
    </>
  );
}

/** What is kept of the call, which tells where its time went. */
function WayOfCall({ detail, sent }: { detail: FunctionDetail; sent: Sent }) {
  const { data } = useResource<{ items: Call[] }>(
    `/functions/${functionPath(detail)}/calls${query({ limit: NEWEST })}`,
  );
  const call = data?.items.find(({ correlation_id }) => correlation_id === sent.correlation_id);
  return call ? <CallPhases call={call} /> : null;
}

function Waiting({ since }: { since: number }) {
  const me = useMe();
  const now = useNow(100);
  return (
    <>
      <p>
        <Mark state="running">Waiting for the answer</Mark> <span class="number quiet">{duration(now - since)}</span>
      </p>
      {me.platform === 'cluster' && now - since > HINT_AFTER && (
        <p class="quiet">
          Of calls that succeed, only a sample is recorded here (CALL_SAMPLE), and the page sees what is recorded. Calls
          that fail are always seen.
        </p>
      )}
    </>
  );
}

function parse(text: string): { data: unknown } | { problem: string } {
  try {
    return { data: text.trim() === '' ? {} : JSON.parse(text) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
