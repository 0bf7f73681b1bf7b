/** Every event as it passes. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { buildAddress, functionAddress } from '#page/addresses.ts';
import { KEPT, keptEvents, onEvents } from '#page/api/live.ts';
import { asCurl, asKn } from '#page/copy-as.ts';
import { clock, counted, pretty } from '#page/format.ts';
import { useMe } from '#page/me.ts';
import { Choice } from '#page/parts/choice.tsx';
import { Copy } from '#page/parts/copy.tsx';
import { Empty } from '#page/parts/notices.tsx';
import { type Column, Table } from '#page/parts/table.tsx';
import { type Route, setQuery } from '#page/router.ts';
import type { EventLine } from '#shared/api/schemas.ts';
import { printable } from '#shared/printable.ts';
import { eventMatches } from './event-filter.ts';

const keyOf = ({ source, id, type }: EventLine) => `${source} ${id} ${type}`;

export function Events({ query }: Pick<Route, 'query'>) {
  const [isPaused, setPaused] = useState(false);
  const [events, setEvents] = useState(keptEvents);
  const [chosen, setChosen] = useState<string>();
  const filter = query.get('filter') ?? '';
  const type = query.get('type') ?? '';

  useEffect(() => {
    if (isPaused) {
      return;
    }
    setEvents(keptEvents());
    let frame = 0;
    const unsubscribe = onEvents(() => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        setEvents(keptEvents());
      });
    });
    return () => {
      unsubscribe();
      cancelAnimationFrame(frame);
    };
  }, [isPaused]);

  const types = useMemo(() => [...new Set(events.map((event) => event.type))].sort(), [events]);
  const shown = useMemo(
    () => events.filter((event) => (type === '' || event.type === type) && eventMatches(event, filter)).reverse(),
    [events, filter, type],
  );
  const selected = shown.find((event) => keyOf(event) === chosen);
  const columns: Column<EventLine>[] = [
    {
      title: 'Time',
      name: 'time number',
      cell: (event) => <time dateTime={event.time}>{clock(event.time)}</time>,
    },
    {
      title: 'Type',
      name: 'type',
      cell: (event) => (
        <button
          type="button"
          class="cover plain-button"
          aria-expanded={keyOf(event) === chosen}
          onClick={() => setChosen(keyOf(event) === chosen ? undefined : keyOf(event))}
        >
          {event.type}
        </button>
      ),
    },
    {
      title: 'Function',
      name: 'name',
      cell: ({ third_party_id, parser_id }) =>
        third_party_id !== undefined && (
          <>
            <span class="quiet">{third_party_id}/</span>
            {parser_id}
          </>
        ),
    },
    { title: 'What it says', name: 'gist quiet', cell: gist },
  ];
  return (
    <>
      <div class="title">
        <h1>Events</h1>
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          {isPaused ? 'Go on' : 'Pause'}
        </button>
      </div>
      <div class="toolbar">
        <input
          type="search"
          aria-label="Filter events"
          placeholder="Filter: a name, an id, a reason …"
          value={filter}
          onInput={(event) => setQuery({ filter: event.currentTarget.value })}
        />
        <Choice
          label="Type"
          name="type"
          value={type}
          values={[...new Set([...types, ...(type === '' ? [] : [type])])]}
          any="Any type"
        />
        <span class="quiet amount">
          {counted(shown.length, 'event')}
          {events.length === KEPT && ', older ones are not kept here'}
        </span>
      </div>
      {shown.length === 0 ? (
        <Empty title={filter === '' && type === '' ? 'Nothing has happened yet' : 'No event is like that'}>
          <p>Whatever is built, deployed, called or refused shows here as it happens.</p>
        </Empty>
      ) : (
        <div class={selected ? 'beside-detail' : undefined}>
          <Table
            label="Events"
            kind="events"
            items={shown}
            columns={columns}
            keyOf={keyOf}
            rowHeight={40}
            phoneRowHeight={64}
          />
          {selected && <Detail event={selected} close={() => setChosen(undefined)} />}
        </div>
      )}
    </>
  );
}

/** What tells most about an event, in a few words. */
function gist({ type, data }: EventLine) {
  if (typeof data !== 'object' || data === null) {
    return null;
  }
  const { status, reason, error_message, state, revision, cached, error, succeeded } = data as Record<string, unknown>;
  const isCalled = type === 'parser.complete';
  const words = [
    isCalled ? (succeeded === true ? 'succeeded' : 'failed') : (status ?? state),
    reason,
    error_message ?? (error as { message?: string } | undefined)?.message,
    cached === true ? 'nothing had changed' : undefined,
    revision,
  ];
  return printable(words.filter((word) => typeof word === 'string').join(' · '));
}

function Detail({ event, close }: { event: EventLine; close: () => void }) {
  const me = useMe();
  const { third_party_id, parser_id, correlation_id } = event;
  const identity = third_party_id !== undefined && parser_id !== undefined ? { third_party_id, parser_id } : undefined;
  const subject = identity && `${third_party_id}/${parser_id}`;
  const sender = { url: `${location.origin}/`, needsToken: me.authentication === 'required' };
  const sendable = { type: event.type, source: event.source, subject, data: event.data };
  const kn = asKn(sendable, sender);
  const rows: [string, string | undefined][] = [
    ['Id', event.id],
    ['Source', event.source],
    ['Time', event.time],
    ['Correlation id', correlation_id],
    ['Caused by', event.causation_id],
  ];
  return (
    <aside class="card detail" aria-label="The event">
      <div class="beside">
        <h2>{event.type}</h2>
        <button type="button" class="small push" onClick={close}>
          Close
        </button>
      </div>
      <dl class="settings">
        {rows.map(
          ([name, value]) =>
            value !== undefined && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>
                  <code class="long">{printable(value)}</code>
                </dd>
              </div>
            ),
        )}
      </dl>
      <div class="actions">
        <Copy text={asCurl(sendable, sender)} label="Copy as curl" />
        {kn !== undefined && <Copy text={kn} label="Copy as kn" />}
        {identity && <a href={functionAddress(identity)}>The function</a>}
        {identity && correlation_id !== undefined && /^(build|job|lifecycle\.build)/.test(event.type) && (
          <a href={buildAddress({ ...identity, correlation_id })}>The build</a>
        )}
      </div>
      {event.data !== undefined && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled by the keyboard.
        <pre class="data" tabIndex={0}>
          {printable(pretty(event.data))}
        </pre>
      )}
    </aside>
  );
}
