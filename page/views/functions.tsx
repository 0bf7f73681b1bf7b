/** All functions: what state each is in, and how its last build went. */

import { useMemo } from 'preact/hooks';
import { buildAddress, functionAddress } from '#page/addresses.ts';
import { functionPath } from '#page/api/client.ts';
import { useList } from '#page/api/use-api.ts';
import { DeployButton } from '#page/deploy/deploy-button.tsx';
import { capitalized, counted, duration } from '#page/format.ts';
import { useMe } from '#page/me.ts';
import { Choice } from '#page/parts/choice.tsx';
import { FirstSteps } from '#page/parts/first-steps.tsx';
import { Mark } from '#page/parts/mark.tsx';
import { Moment } from '#page/parts/moment.tsx';
import { Empty, Failure, Loading } from '#page/parts/notices.tsx';
import { type Column, Table } from '#page/parts/table.tsx';
import { ThirdPartyFilter } from '#page/parts/third-party-filter.tsx';
import { mayWrite } from '#page/rights.ts';
import { type Route, setQuery } from '#page/router.ts';
import type { Build, FunctionSummary } from '#shared/api/schemas.ts';
import { buildKey } from './builds.tsx';

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
  { title: 'State', name: 'state', cell: ({ state }) => <Mark state={state} /> },
  { title: 'Language', name: 'language', cell: ({ language }) => language ?? <span class="quiet">–</span> },
  {
    title: 'Pods',
    name: 'pods number',
    cell: ({ pods }) =>
      pods === undefined ? '–' : pods === 0 ? <span class="quiet">asleep</span> : counted(pods, 'pod'),
  },
];

/** The newest of each function. The list of functions does not tell those that have ended, and the list of builds does. */
function lastBuildColumn(builds: readonly Build[]): Column<FunctionSummary> {
  const newest = new Map(builds.toReversed().map((build) => [functionPath(build), build]));
  return {
    title: 'Last build',
    name: 'last',
    cell: (item) => {
      const build = item.last_build ?? newest.get(functionPath(item));
      return build && <LastBuild build={build} />;
    },
  };
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
    },
  );
  const builds = useList<Build>(
    '/builds',
    { third_party_id: thirdParty },
    { keyOf: buildKey, changes: 'first', about: ({ type }) => type.startsWith('build.') },
  );
  const columns = useMemo(() => [...COLUMNS, lastBuildColumn(builds.items)], [builds.items]);
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
          columns={columns}
          keyOf={functionPath}
          onNearEnd={list.more}
        />
      )}
    </>
  );
}
