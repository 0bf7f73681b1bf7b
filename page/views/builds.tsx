/** All builds, newest first. Those under way show their phases as they happen. */
import { buildAddress } from '#page/addresses.ts';
import { functionPath } from '#page/api/client.ts';
import { useList, useResource } from '#page/api/use-api.ts';
import { DeployButton } from '#page/deploy/deploy-button.tsx';
import { counted, duration } from '#page/format.ts';
import { useMe } from '#page/me.ts';
import { Choice } from '#page/parts/choice.tsx';
import { Mark } from '#page/parts/mark.tsx';
import { Moment } from '#page/parts/moment.tsx';
import { Empty, Failure, Loading } from '#page/parts/notices.tsx';
import { Phases } from '#page/parts/phases.tsx';
import { type Column, Table } from '#page/parts/table.tsx';
import { ThirdPartyFilter } from '#page/parts/third-party-filter.tsx';
import { useNow } from '#page/parts/use-now.ts';
import { mayWrite } from '#page/rights.ts';
import { type Route, setQuery } from '#page/router.ts';
import type { Build, BuildDetail } from '#shared/api/schemas.ts';

export const buildKey = (build: Build) => `${functionPath(build)}/${build.correlation_id}`;

const STATUSES = ['queued', 'running', 'success', 'failed', 'timeout', 'cancelled', 'superseded'];
const WAYS = { cached: 'nothing to build', layer: 'code alone', job: 'full build' };
const CARDS = 4;

const COLUMNS: Column<Build>[] = [
  { title: 'Status', name: 'status', cell: (build) => <BuildMark build={build} /> },
  {
    title: 'Function',
    name: 'name',
    cell: (build) => (
      <a class="cover" href={buildAddress(build)}>
        <span class="quiet">{build.third_party_id}/</span>
        <strong>{build.parser_id}</strong>
      </a>
    ),
  },
  {
    title: 'Reason',
    name: 'reason',
    cell: ({ reason, status }) =>
      reason && <code class={status === 'failed' || status === 'timeout' ? 'bad-text' : 'quiet'}>{reason}</code>,
  },
  { title: 'Language', name: 'language', cell: ({ language }) => language ?? <span class="quiet">–</span> },
  { title: 'How', name: 'path quiet', cell: ({ path }) => path && WAYS[path] },
  { title: 'Took', name: 'took number', cell: ({ duration_ms }) => duration(duration_ms) },
  {
    title: 'When',
    name: 'when quiet',
    cell: ({ completed_at, started_at }) => <Moment time={completed_at ?? started_at} />,
  },
];

export function BuildMark({ build }: { build: Pick<Build, 'status' | 'queue_position'> }) {
  const { status, queue_position } = build;
  return status === 'queued' && queue_position !== undefined ? (
    <Mark state="queued">Queued, place {queue_position}</Mark>
  ) : (
    <Mark state={status} />
  );
}

export function Builds({ query }: Pick<Route, 'query'>) {
  const me = useMe();
  const status = query.get('status') ?? '';
  const thirdParty = query.get('third_party_id') ?? '';
  const parser = query.get('parser_id') ?? '';
  const list = useList<Build>(
    '/builds',
    { status, third_party_id: thirdParty, parser_id: parser },
    { keyOf: buildKey, changes: 'first', about: ({ type }) => /^(lifecycle\.build|build\.|job\.)/.test(type) },
  );
  const underWay = list.items.filter((build) => build.status === 'running' || build.status === 'queued');
  const isNone = list.items.length === 0 && !list.loading && !list.error;
  const isFiltered = status !== '' || thirdParty !== '' || parser !== '';
  return (
    <>
      <div class="title">
        <h1>Builds</h1>
        {mayWrite(me) && <DeployButton />}
      </div>
      {!(isNone && !isFiltered) && (
        <div class="toolbar">
          <ThirdPartyFilter value={thirdParty} seen={list.items.map((build) => build.third_party_id)} />
          <Choice label="Status" name="status" value={status} values={STATUSES} any="Any status" />
          {parser !== '' && (
            <button type="button" class="small" onClick={() => setQuery({ parser_id: undefined })}>
              Only {parser}: show all
            </button>
          )}
          <span class="quiet amount" aria-live="polite">
            {!list.loading && `${counted(list.items.length, 'build')}${list.hasMore ? ' and more' : ''}`}
          </span>
        </div>
      )}
      {list.error && <Failure error={list.error} retry={list.refresh} />}
      {list.loading && <Loading />}
      {underWay.length > 0 && (
        <section class="under-way" aria-label="Under way">
          {underWay.slice(0, CARDS).map((build) => (
            <UnderWay key={buildKey(build)} build={build} />
          ))}
          {underWay.length > CARDS && (
            <p class="quiet">{counted(underWay.length - CARDS, 'more is', 'more are')} under way.</p>
          )}
        </section>
      )}
      {isNone && !isFiltered && (
        <Empty title="Nothing has been built yet">
          <p>Drop a folder on this page, and see its build here as it happens.</p>
        </Empty>
      )}
      {isNone && isFiltered && (
        <Empty title="No build is like that">
          <p>
            <a href="/builds">Show all builds</a>
          </p>
        </Empty>
      )}
      {list.items.length > 0 && (
        <Table
          label="Builds"
          kind="builds"
          items={list.items}
          columns={COLUMNS}
          keyOf={buildKey}
          onNearEnd={list.more}
        />
      )}
    </>
  );
}

function UnderWay({ build }: { build: Build }) {
  const now = useNow(250);
  const { data } = useResource<BuildDetail>(
    `/builds/${functionPath(build)}/${encodeURIComponent(build.correlation_id)}`,
    {
      about: (event) => event.correlation_id === build.correlation_id,
      every: 1500,
    },
  );
  const line = data?.log_tail?.at(-1);
  return (
    <article class="card">
      <div class="beside">
        <BuildMark build={data ?? build} />
        <a href={buildAddress(build)}>
          {build.third_party_id}/<strong>{build.parser_id}</strong>
        </a>
        <span class="number quiet push">{build.started_at && duration(now - Date.parse(build.started_at))}</span>
      </div>
      {data && <Phases phases={data.phases} now={now} />}
      {line !== undefined && <code class="last-line">{line}</code>}
    </article>
  );
}
