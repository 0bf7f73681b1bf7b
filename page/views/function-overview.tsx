/** Versions side by side, conditions, builds and settings of a function. */
import { buildAddress } from '#page/addresses.ts';
import { duration, pretty, shortImage } from '#page/format.ts';
import { Mark } from '#page/parts/mark.tsx';
import { Moment } from '#page/parts/moment.tsx';
import type { CallNumbers, FunctionDetail, Version } from '#shared/api/schemas.ts';
import { printable } from '#shared/printable.ts';
import { BuildMark } from './builds.tsx';
import { LastHour, share, useMetrics } from './function-numbers.tsx';

export function Overview({ detail }: { detail: FunctionDetail }) {
  const metrics = useMetrics(detail);
  return (
    <>
      <LastHour detail={detail} metrics={metrics} />
      <section aria-labelledby="versions">
        <h2 id="versions">Versions</h2>
        {detail.versions.length === 0 ? (
          <p class="quiet">There is none yet: the first one comes with the first build that succeeds.</p>
        ) : (
          <ul class="versions">
            {detail.versions.map((version, index) => (
              <VersionCard
                key={version.revision}
                version={version}
                isNewest={index === 0}
                numbers={metrics.data?.versions.find(({ revision }) => revision === version.revision)}
              />
            ))}
          </ul>
        )}
      </section>
      <div class="columns">
        <section class="card" aria-labelledby="builds">
          <h2 id="builds">Last builds</h2>
          <Builds detail={detail} />
        </section>
        <section class="card" aria-labelledby="conditions">
          <h2 id="conditions">How it stands</h2>
          <ul class="conditions">
            {detail.conditions.map(({ type, status, reason, message }) => (
              <li key={type}>
                <Mark state={status === 'True' ? 'ok' : status === 'False' ? 'failed' : 'unknown'}>{type}</Mark>
                {status !== 'True' && (
                  <span class="quiet">{printable([reason, message].filter(Boolean).join(': '))}</span>
                )}
              </li>
            ))}
          </ul>
        </section>
        <section class="card" aria-labelledby="settings">
          <h2 id="settings">Settings</h2>
          <Settings detail={detail} />
        </section>
        <section class="card" aria-labelledby="secrets">
          <h2 id="secrets">Secrets</h2>
          <Secrets secrets={detail.settings.secrets} />
        </section>
      </div>
    </>
  );
}

interface VersionProps {
  version: Version;
  isNewest: boolean;
  numbers: CallNumbers | undefined;
}

function VersionCard({ version, isNewest, numbers }: VersionProps) {
  const { revision, image_uri, created_at, observed_at, ready, message, traffic_percent } = version;
  return (
    <li class={`card version ${traffic_percent > 0 ? 'live' : ''}`}>
      <h3>
        {revision}
        {isNewest && <span class="tag">newest</span>}
      </h3>
      <div class="traffic">
        <span class="number">{traffic_percent} %</span> <span class="quiet">of the calls</span>
        <span class="track" aria-hidden="true">
          <span style={{ width: `${traffic_percent}%` }} />
        </span>
      </div>
      <dl class="facts small">
        <div>
          <dt>State</dt>
          <dd>
            <Mark state={ready ? 'ready' : 'not ready'} />
          </dd>
        </div>
        <div>
          <dt>Made</dt>
          <dd>
            <Moment time={created_at} />
          </dd>
        </div>
        <div>
          <dt>Source seen</dt>
          <dd>
            <Moment time={observed_at} />
          </dd>
        </div>
        <div>
          <dt>Image</dt>
          <dd>
            <code title={image_uri}>{shortImage(image_uri)}</code>
          </dd>
        </div>
        {numbers && (
          <>
            <div>
              <dt>Calls of the last hour</dt>
              <dd class="number">{numbers.calls.toLocaleString('en')}</dd>
            </div>
            <div>
              <dt>Errors</dt>
              <dd class={`number ${numbers.errors > 0 ? 'bad-text' : ''}`}>{share(numbers)}</dd>
            </div>
            <div>
              <dt>Half within</dt>
              <dd class="number">{duration(numbers.p50_ms)}</dd>
            </div>
            <div>
              <dt>95 % within</dt>
              <dd class="number">{duration(numbers.p95_ms)}</dd>
            </div>
          </>
        )}
      </dl>
      {message !== undefined && <p class="bad-text">{printable(message)}</p>}
    </li>
  );
}

function Builds({ detail }: { detail: FunctionDetail }) {
  const { builds } = detail;
  const slowest = Math.max(1, ...builds.map(({ duration_ms = 0 }) => duration_ms));
  return builds.length === 0 ? (
    <p class="quiet">No build is on record.</p>
  ) : (
    <ul class="builds-short">
      {builds.map((build) => (
        <li key={build.correlation_id}>
          <a class="cover" href={buildAddress(build)}>
            <BuildMark build={build} />
          </a>
          <span class="track" aria-hidden="true">
            <span style={{ width: `${((build.duration_ms ?? 0) / slowest) * 100}%` }} />
          </span>
          <span class="number">{duration(build.duration_ms)}</span>
          <span class="quiet">
            <Moment time={build.completed_at ?? build.started_at} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function Settings({ detail }: { detail: FunctionDetail }) {
  const { handler, env, scaling, resources, timeout_seconds, concurrency, record } = detail.settings;
  const rows: [string, string][] = [
    ['Address', detail.url ?? '–'],
    ['Service', detail.service_name],
    ['What is called', handler ?? 'as the source says'],
    ['Calls come by', detail.delivery === 'own' ? 'a queue of its own' : 'the queue of all'],
    ['Limit of a call', timeout_seconds === undefined ? 'the default' : `${timeout_seconds} s`],
    [
      'Calls at once in a pod',
      concurrency === undefined ? 'the default' : concurrency === 0 ? 'no limit' : String(concurrency),
    ],
    ['Inputs of kept calls', record ? 'are kept' : 'are not kept'],
    ...Object.entries(scaling).map(([name, value]): [string, string] => [`Scaling: ${name}`, pretty(value)]),
    ...Object.entries(resources).map(([name, value]): [string, string] => [`Resources: ${name}`, shortObject(value)]),
    ...env.map(({ name, value }): [string, string] => [`env ${name}`, value]),
  ];
  return (
    <dl class="settings">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{printable(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function shortObject(value: unknown): string {
  return typeof value === 'object' && value !== null
    ? Object.entries(value)
        .map(([name, amount]) => `${name} ${amount}`)
        .join(', ')
    : pretty(value);
}

function Secrets({ secrets }: { secrets: FunctionDetail['settings']['secrets'] }) {
  return secrets.length === 0 ? (
    <p class="quiet">It uses none. A build.start names them in parameters.secrets.</p>
  ) : (
    <>
      <ul class="secrets">
        {secrets.map(({ name, key, env, file }) => (
          <li key={`${name} ${key}`}>
            <code>
              {name}/{key}
            </code>
            <span class="quiet">{env === undefined ? `as the file ${file ?? '–'}` : `as the variable ${env}`}</span>
          </li>
        ))}
      </ul>
      <p class="quiet">Their values are never shown.</p>
    </>
  );
}
