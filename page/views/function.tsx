/** One function: its versions, how it stands, its builds, its calls, its log, and a way to try it. */
import { type FunctionTab, functionAddress } from '#page/addresses.ts';
import { functionPath } from '#page/api/client.ts';
import { useResource } from '#page/api/use-api.ts';
import { useFollow } from '#page/api/use-follow.ts';
import { useMe } from '#page/me.ts';
import { Log } from '#page/parts/log.tsx';
import { FunctionMark } from '#page/parts/mark.tsx';
import { Moment } from '#page/parts/moment.tsx';
import { Empty, Failure, Loading } from '#page/parts/notices.tsx';
import { mayWrite } from '#page/rights.ts';
import type { FunctionDetail, LogLine } from '#shared/api/schemas.ts';
import { printable } from '#shared/printable.ts';
import { Calls } from './function-calls.tsx';
import { DeleteFunction } from './function-delete.tsx';
import { Overview } from './function-overview.tsx';
import { TryIt } from './function-try.tsx';

const TABS: [FunctionTab, string][] = [
  ['versions', 'Versions and builds'],
  ['calls', 'Calls'],
  ['logs', 'Logs'],
  ['try', 'Try it'],
];

interface FunctionProps {
  third_party_id: string;
  parser_id: string;
  tab: string | undefined;
}

export function OneFunction({ tab, ...identity }: FunctionProps) {
  const me = useMe();
  const isOwn = mayWrite(me, identity.third_party_id);
  const { data, error, loading, refresh } = useResource<FunctionDetail>(`/functions/${functionPath(identity)}`, {
    about: (event) => event.third_party_id === identity.third_party_id && event.parser_id === identity.parser_id,
    every: 4000,
  });
  const current = TABS.find(([name]) => name === tab)?.[0] ?? 'versions';
  return (
    <>
      <div class="title">
        <h1>
          <a class="crumb" href="/">
            Functions
          </a>
          <span>
            <span class="quiet">{identity.third_party_id}/</span>
            {identity.parser_id}
          </span>
        </h1>
        {data && <FunctionMark of={data} />}
        {data && isOwn && <DeleteFunction identity={identity} />}
      </div>
      {loading && <Loading />}
      {error?.status === 404 && (
        <Empty title="There is no such function">
          <p>It was deleted, never was, or its first build is under way.</p>
          <p>
            <a
              href={`/builds?third_party_id=${encodeURIComponent(identity.third_party_id)}&parser_id=${encodeURIComponent(identity.parser_id)}`}
            >
              Its builds
            </a>
          </p>
        </Empty>
      )}
      {error && error.status !== 404 && <Failure error={error} retry={refresh} />}
      {data?.message !== undefined && data.state !== 'ready' && (
        <div class="notice bad">
          <p>{printable(data.message)}</p>
        </div>
      )}
      {data?.crashed_at !== undefined && data.state === 'ready' && (
        <div class="notice bad">
          <p>
            Its process ended during a call <Moment time={data.crashed_at} />: its dead letters and its log say how.
          </p>
        </div>
      )}
      {data && (
        <>
          <nav class="tabs" aria-label="Of this function">
            {TABS.filter(([name]) => name !== 'try' || isOwn).map(([name, title]) => (
              <a
                key={name}
                href={functionAddress(identity, name === 'versions' ? undefined : name)}
                aria-current={name === current ? 'page' : undefined}
              >
                {title}
              </a>
            ))}
          </nav>
          {current === 'versions' && <Overview detail={data} />}
          {current === 'calls' && <Calls identity={identity} />}
          {current === 'logs' && <Logs identity={identity} />}
          {current === 'try' &&
            (isOwn ? <TryIt detail={data} /> : <Empty title="You may only look at this function" />)}
        </>
      )}
    </>
  );
}

/** Kubernetes gives every line its time to the nanosecond. */
const lineKey = ({ time, pod, text }: LogLine) => `${time} ${pod} ${text}`;

function Logs({ identity }: { identity: { third_party_id: string; parser_id: string } }) {
  const log = useFollow<LogLine>(`/functions/${functionPath(identity)}/logs?follow=1&since=1h`, {
    endless: true,
    keyOf: lineKey,
  });
  return (
    <section class="card" aria-label="Logs">
      <Log
        label="log of the function"
        log={log}
        empty="No line yet. What the function prints shows here, also after it has slept and in its next version."
      />
    </section>
  );
}
