/** One build: how far it is or how it ended, why, its log, and what is different from the one before. */
import { buildAddress, functionAddress } from '#page/addresses.ts';
import { functionPath, query } from '#page/api/client.ts';
import { useResource } from '#page/api/use-api.ts';
import { useFollow } from '#page/api/use-follow.ts';
import { duration, shortImage } from '#page/format.ts';
import { useMe } from '#page/me.ts';
import { Explained } from '#page/parts/explanation.tsx';
import { Log } from '#page/parts/log.tsx';
import { Moment } from '#page/parts/moment.tsx';
import { Empty, Failure, Loading } from '#page/parts/notices.tsx';
import { Phases } from '#page/parts/phases.tsx';
import { Timeline } from '#page/parts/timeline.tsx';
import { useNow } from '#page/parts/use-now.ts';
import { mayWrite } from '#page/rights.ts';
import type { BuildDetail, Build as BuildOf, LogLine } from '#shared/api/schemas.ts';
import { printable } from '#shared/printable.ts';
import { BuildMark } from './builds.tsx';
import { buildBefore, differences } from './compare-builds.ts';

interface BuildProps {
  third_party_id: string;
  parser_id: string;
  correlation_id: string;
}

export function Build(props: BuildProps) {
  const me = useMe();
  const { correlation_id } = props;
  const path = `/builds/${functionPath(props)}/${encodeURIComponent(correlation_id)}`;
  const { data, error, loading, refresh } = useResource<BuildDetail>(path, {
    about: (event) =>
      event.correlation_id === correlation_id ||
      (event.parser_id === props.parser_id && event.third_party_id === props.third_party_id),
    every: 2000,
  });
  const title = (
    <h1>
      <a class="crumb" href="/builds">
        Builds
      </a>
      <a href={functionAddress(props)}>
        <span class="quiet">{props.third_party_id}/</span>
        {props.parser_id}
      </a>
    </h1>
  );
  if (data === undefined) {
    const isUnknown = error?.status === 404;
    return (
      <>
        {title}
        {loading && <Loading />}
        {isUnknown && (
          <Empty title="There is no such build yet">
            <p>
              A build that was asked for just now shows here within a second or two. One that was long ago may be gone.
            </p>
            <p>
              <a href={`/builds${query({ third_party_id: props.third_party_id, parser_id: props.parser_id })}`}>
                All builds of {props.parser_id}
              </a>
            </p>
          </Empty>
        )}
        {error && !isUnknown && <Failure error={error} retry={refresh} />}
      </>
    );
  }
  return (
    <>
      <div class="title">
        {title}
        {data.status === 'success' && mayWrite(me, props.third_party_id) && (
          <a class="button push" href={functionAddress(props, 'try')}>
            Try it
          </a>
        )}
      </div>
      {error && <Failure error={error} />}
      <Known build={data} path={path} />
    </>
  );
}

function Known({ build, path }: { build: BuildDetail; path: string }) {
  const isUnderWay = build.status === 'queued' || build.status === 'running';
  const log = useFollow<LogLine>(`${path}/log?follow=1`, { endless: false });
  const before = useResource<{ items: BuildOf[] }>(
    `/builds${query({ third_party_id: build.third_party_id, parser_id: build.parser_id, limit: 50 })}`,
    { every: 60_000 },
  );
  const former = buildBefore(before.data?.items ?? [], build);
  const stopped = build.timeline.findLast(({ event }) => /^lifecycle\.function\./.test(event?.type ?? ''));
  return (
    <>
      <Facts build={build} isUnderWay={isUnderWay} />
      {stopped?.event?.type === 'lifecycle.function.failed' && !build.explanation && (
        <section class="card explained bad" aria-label="Explanation">
          <h2>The build succeeded, but the new version does not start</h2>
          <p class="cause">{printable(stopped.detail ?? stopped.title)}</p>
        </section>
      )}
      {build.explanation && !(build.explanation.healthy && build.status === 'success') ? (
        <Explained explanation={build.explanation} />
      ) : (
        build.error_message !== undefined && (
          <section class="card explained bad" aria-label="Explanation">
            <h2>Why {build.reason !== undefined && <code class="tag">{build.reason}</code>}</h2>
            <p class="cause">{printable(build.error_message)}</p>
          </section>
        )
      )}
      <div class="columns">
        <section class="card" aria-labelledby="timeline">
          <h2 id="timeline">Timeline</h2>
          <Timeline entries={build.timeline} />
        </section>
        <section class="card" aria-labelledby="before">
          <h2 id="before">Against the build before</h2>
          {former ? (
            <Against former={former} build={build} />
          ) : (
            <p class="quiet">This is the first build that is kept.</p>
          )}
        </section>
      </div>
      <section class="card" aria-labelledby="log">
        <h2 id="log">Log</h2>
        <Log
          label="log of the build"
          log={log}
          empty={
            build.path === 'job' || build.path === undefined
              ? isUnderWay
                ? 'The log begins with the first command of the build.'
                : 'No log was kept.'
              : 'No command was run: the code alone was put on what had been built before.'
          }
        />
      </section>
    </>
  );
}

function Facts({ build, isUnderWay }: { build: BuildDetail; isUnderWay: boolean }) {
  const now = useNow(isUnderWay ? 200 : 60_000);
  const took = build.duration_ms ?? (isUnderWay && build.started_at ? now - Date.parse(build.started_at) : undefined);
  return (
    <section class="card" aria-label="Build">
      <dl class="facts">
        <div>
          <dt>Status</dt>
          <dd>
            <BuildMark build={build} />
          </dd>
        </div>
        <div>
          <dt>{isUnderWay ? 'So far' : 'Took'}</dt>
          <dd class="number">{duration(took)}</dd>
        </div>
        <div>
          <dt>Begun</dt>
          <dd>
            <Moment time={build.started_at} />
          </dd>
        </div>
        <div>
          <dt>Language</dt>
          <dd>{build.language ?? '–'}</dd>
        </div>
        <div>
          <dt>Image</dt>
          <dd>
            <code title={build.image_uri}>{shortImage(build.image_uri)}</code>
          </dd>
        </div>
        <div>
          <dt>Correlation id</dt>
          <dd>
            <code class="long">{build.correlation_id}</code>
          </dd>
        </div>
      </dl>
      <Phases phases={build.phases} now={isUnderWay ? now : undefined} />
    </section>
  );
}

function Against({ former, build }: { former: BuildOf; build: BuildOf }) {
  const all = differences(former, build);
  return (
    <>
      <p class="quiet">
        <a href={buildAddress(former)}>The one before</a> <Moment time={former.completed_at ?? former.started_at} />
      </p>
      {all.length === 0 ? (
        <p>Nothing is different but the time.</p>
      ) : (
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">Before</th>
              <th scope="col">This</th>
            </tr>
          </thead>
          <tbody>
            {all.map(({ field, before, now }) => (
              <tr key={field}>
                <th scope="row">{field}</th>
                <td>{before}</td>
                <td>{now}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
