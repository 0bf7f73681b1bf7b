/** The calls that are kept: all that failed, and a sample of the others. */
import { useState } from 'preact/hooks';
import { functionAddress } from '#page/addresses.ts';
import { functionPath, query } from '#page/api/client.ts';
import { useList, useResource } from '#page/api/use-api.ts';
import { duration, pretty } from '#page/format.ts';
import { CallPhases } from '#page/parts/call-phases.tsx';
import { Explained } from '#page/parts/explanation.tsx';
import { Mark } from '#page/parts/mark.tsx';
import { Moment } from '#page/parts/moment.tsx';
import { Empty, Failure, Loading } from '#page/parts/notices.tsx';
import type { Call, Explanation } from '#shared/api/schemas.ts';
import { printable } from '#shared/printable.ts';

interface Identity {
  third_party_id: string;
  parser_id: string;
}

export function Calls({ identity }: { identity: Identity }) {
  const list = useList<Call>(
    `/functions/${functionPath(identity)}/calls`,
    {},
    {
      keyOf: ({ id }) => id,
      changes: 'first',
      about: (event) => event.type === 'parser.complete' && event.parser_id === identity.parser_id,
    },
  );
  if (list.loading) {
    return <Loading />;
  }
  if (list.items.length === 0 && !list.error) {
    return (
      <Empty title="No call is kept yet">
        <p>Every call that fails is kept with its answer, and now and then one that does not.</p>
        <p>
          <a href={functionAddress(identity, 'try')}>Call the function</a>
        </p>
      </Empty>
    );
  }
  return (
    <section aria-label="Calls">
      {list.error && <Failure error={list.error} retry={list.refresh} />}
      <p class="quiet">All that failed, and a sample of the others.</p>
      <ul class="calls">
        {list.items.map((call) => (
          <OneCall key={call.id} call={call} />
        ))}
      </ul>
      {list.hasMore && (
        <button type="button" onClick={list.more}>
          Show earlier calls
        </button>
      )}
    </section>
  );
}

function OneCall({ call }: { call: Call }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li class="card">
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <Mark state={call.succeeded ? 'answered' : 'failed'} />
          <span class="grow">{call.error && printable(`${call.error.type}: ${call.error.message}`)}</span>
          <span class="number">{duration(call.duration_ms)}</span>
          <span class="quiet">
            <Moment time={call.time} />
          </span>
        </summary>
        {isOpen && <CallDetail call={call} />}
      </details>
    </li>
  );
}

function CallDetail({ call }: { call: Call }) {
  const { third_party_id, parser_id, id } = call;
  const explained = useResource<Explanation>(
    call.succeeded ? undefined : `/explain${query({ about: 'call', third_party_id, parser_id, id })}`,
  );
  return (
    <>
      <dl class="facts small">
        <div>
          <dt>Call</dt>
          <dd>
            <code class="long">{id}</code>
          </dd>
        </div>
        <div>
          <dt>Version</dt>
          <dd>{call.revision ?? '–'}</dd>
        </div>
        {call.correlation_id !== undefined && (
          <div>
            <dt>Correlation id</dt>
            <dd>
              <code class="long">{call.correlation_id}</code>
            </dd>
          </div>
        )}
      </dl>
      <CallPhases call={call} />
      {call.input !== undefined && (
        <>
          <h2>Called with</h2>
          <pre class="data">{printable(pretty(call.input))}</pre>
        </>
      )}
      {call.result !== undefined && (call.input === undefined ? null : <h2>Answered</h2>)}
      {call.result !== undefined && <pre class="data">{printable(pretty(call.result))}</pre>}
      {explained.data && <Explained explanation={explained.data} />}
    </>
  );
}
