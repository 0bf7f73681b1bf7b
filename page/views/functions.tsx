/** All functions: what state each is in, how it was called in the last hour, and how its last build went. */

import { buildAddress, functionAddress } from '#page/addresses.ts';
import { functionPath } from '#page/api/client.ts';
import { useList } from '#page/api/use-api.ts';
import { DeployButton } from '#page/deploy/deploy-button.tsx';
import { capitalized, counted, duration } from '#page/format.ts';
import { useMe } from '#page/me.ts';
import { Choice } from '#page/parts/choice.tsx';
import { FirstSteps } from '#page/parts/first-steps.tsx';
import { FunctionMark, Mark } from '#page/parts/mark.tsx';
import { Moment } from '#page/parts/moment.tsx';
import { Empty, Failure, Loading } from '#page/parts/notices.tsx';
import { type Column, Table } from '#page/parts/table.tsx';
import { ThirdPartyFilter } from '#page/parts/third-party-filter.tsx';
import { mayWrite } from '#page/rights.ts';
import { type Route, setQuery } from '#page/router.ts';
import type { FunctionSummary } from '#shared/api/schemas.ts';

const STATES = ['ready', 'starting', 'building', 'failed', 'deleting'] as const;

const COLUMNS: Column<FunctionSummary>[] = [
  {
    title: 'Function',
    name: 'name',
    cell: (item) => (
      <a class="cover" href={functionAddress(item)}>
        <span class="quiet">{item.third_party_id}/</span>
        <strong>{item.parser_id}</strong>
      </a>
    ),
  },
  { title: 'State', name: 'state', cell: (item) => <FunctionMark of={item} /> },
  { title: 'Language', name: 'language', cell: ({ language }) => language ?? <span class="quiet">–</span> },
  {
    title: 'Pods',
    name: 'pods number',
    cell: ({ pods }) =>
      pods === undefined ? '–' : pods === 0 ? <span class="quiet">asleep</span> : counted(pods, 'pod'),
  },
  {
    title: 'Calls/h',
    name: 'calls number',
    cell: ({ calls }) => <InLastHour value={calls} unit="calls" text={calls?.toLocaleString('en')} />,
  },
  {
    title: 'Errors/h',
    name: 'errors number',
    cell: ({ errors }) => (
      <span class={errors ? 'bad-text' : undefined}>
        <InLastHour value={errors} unit="errors" text={errors?.toLocaleString('en')} />
      </span>
    ),
  },
  {
    title: 'P95',
    name: 'p95 number',
    cell: ({ p95_ms }) => <InLastHour value={p95_ms} unit="for 95 % of them" text={duration(p95_ms)} />,
  },
  {
    title: 'Last build',
    name: 'last',
    cell: ({ last_build: build }) => build && <LastBuild build={build} />,
  },
];

/** Nothing is not the same as 0: numbers are read some moments after the functions. */
function InLastHour({ value, unit, text }: { value: number | undefined; unit: string; text: string | undefined }) {
  return value === undefined || value === 0 ? (
    <span class="quiet">{value === undefined ? '–' : '0'}</span>
  ) : (
    <span title={`${text} ${unit} in the last hour`}>{text}</span>
  );
}

function LastBuild({ build }: { build: NonNullable<FunctionSummary['last_build']> }) {
  return (
    <a class="beside" href={buildAddress(build)}>
      <Mark state={build.status} />
      <span class="quiet">
        {build.duration_ms !== undefined && `${duration(build.duration_ms)}, `}
        <Moment time={build.completed_at ?? build.started_at} />
      </span>
    </a>
  );
}

export function Functions({ query }: Pick<Route, 'query'>) {
  const me = useMe();
  const search = query.get('search') ?? '';
  const state = query.get('state') ?? '';
  const thirdParty = query.get('third_party_id') ?? '';
  const list = useList<FunctionSummary>(
    '/functions',
    { search, state, third_party_id: thirdParty },
    {
      keyOf: functionPath,
      changes: 'all',
      about: ({ type }) => /^(lifecycle\.|build\.|job\.|service\.delete)/.test(type),
      // Of calls that succeed no event tells.
      every: 10_000,
    },
  );
  const isFiltered = search !== '' || state !== '' || thirdParty !== '';
  const isNone = list.items.length === 0 && !list.loading && !list.error;
  return (
    <>
      <div class="title">
        <h1>Functions</h1>
        {mayWrite(me) && <DeployButton />}
      </div>
      {!(isNone && !isFiltered) && (
        <div class="toolbar">
          <input
            type="search"
            aria-label="Search functions"
            placeholder="Search by name"
            value={search}
            onInput={(event) => setQuery({ search: event.currentTarget.value })}
          />
          <ThirdPartyFilter value={thirdParty} seen={list.items.map((item) => item.third_party_id)} />
          <Choice label="State" name="state" value={state} values={STATES} any="Any state" textOf={capitalized} />
          <span class="quiet amount" aria-live="polite">
            {!list.loading && `${counted(list.items.length, 'function')}${list.hasMore ? ' and more' : ''}`}
          </span>
        </div>
      )}
      {list.error && <Failure error={list.error} retry={list.refresh} />}
      {list.loading && <Loading />}
      {isNone && !isFiltered && <FirstSteps />}
      {isNone && isFiltered && (
        <Empty title="No function is like that">
          <p>
            <a href="/">Show all functions</a>
          </p>
        </Empty>
      )}
      {list.items.length > 0 && (
        <Table
          label="Functions"
          kind="functions"
          items={list.items}
          columns={COLUMNS}
          keyOf={functionPath}
          onNearEnd={list.more}
        />
      )}
    </>
  );
}
