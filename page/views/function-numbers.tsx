/** Calls of the last hour: how many, how many failed, how long they took, and how many may have waited for a pod. */
import { functionAddress } from '#page/addresses.ts';
import { functionPath } from '#page/api/client.ts';
import { useResource } from '#page/api/use-api.ts';
import { Chart } from '#page/charts/chart.tsx';
import { clock, counted, duration } from '#page/format.ts';
import { Failure, Loading } from '#page/parts/notices.tsx';
import type { CallNumbers, FunctionDetail, FunctionMetrics } from '#shared/api/schemas.ts';

const LOOK = 10_000;

export function useMetrics(identity: Pick<FunctionDetail, 'third_party_id' | 'parser_id'>) {
  return useResource<FunctionMetrics>(`/functions/${functionPath(identity)}/metrics`, {
    about: (event) => event.type === 'parser.complete' && event.parser_id === identity.parser_id,
    every: LOOK,
  });
}

export function LastHour({ detail, metrics }: { detail: FunctionDetail; metrics: ReturnType<typeof useMetrics> }) {
  const { data, error, loading, refresh } = metrics;
  return (
    <section aria-labelledby="last-hour">
      <h2 id="last-hour">The last hour</h2>
      {loading && <Loading />}
      {error && !data && <Failure error={error} retry={refresh} />}
      {data && data.total.calls + data.total.retried === 0 ? (
        <p class="card quiet">
          Nobody has called it in the last hour. <a href={functionAddress(detail, 'try')}>Call it here</a>, or by{' '}
          <code>kn-lambda invoke {detail.parser_id}</code>: its numbers show some seconds later.
        </p>
      ) : (
        data && <Numbers metrics={data} />
      )}
    </section>
  );
}

function Numbers({ metrics }: { metrics: FunctionMetrics }) {
  const { total, points, pods } = metrics;
  const times = points.map(({ time }) => Date.parse(time) / 1000);
  const of = (pick: (point: CallNumbers) => number | undefined) => points.map((point) => pick(point) ?? null);
  const busiest = points.reduce((most, { calls }) => Math.max(most, calls), 0);
  const reasons = Object.entries(total.errors_by_reason).map(([reason, count]) => `${count} ${reason}`);
  return (
    <div class="numbers">
      <dl class="facts card">
        <Fact name="Calls" value={total.calls.toLocaleString('en')} />
        <Fact name="Errors" value={share(total)} isBad={total.errors > 0} />
        <Fact name="Half within" value={duration(total.p50_ms)} />
        <Fact name="95 % within" value={duration(total.p95_ms)} />
        <Fact name="99 % within" value={duration(total.p99_ms)} />
        <Fact name="Cold starts" value={total.cold_starts.toLocaleString('en')} />
        <Fact name="Pods now" value={String(pods)} />
      </dl>
      <div class="charts">
        <div class="card">
          <Chart
            title="Calls a minute"
            summary={`${counted(total.calls, 'call')}, at most ${busiest.toLocaleString('en')} in a minute`}
            times={times}
            lines={[{ label: 'Calls', values: of(({ calls }) => calls), colour: '--accent', bars: true }]}
            textOf={(value) => value.toLocaleString('en')}
          />
        </div>
        <div class="card">
          <Chart
            title="Errors a minute"
            summary={reasons.length > 0 ? reasons.join(', ') : 'none'}
            times={times}
            lines={[{ label: 'Errors', values: of(({ errors }) => errors), colour: '--bad', bars: true }]}
            textOf={(value) => value.toLocaleString('en')}
          />
        </div>
        <div class="card">
          <Chart
            title="Duration"
            summary={`half within ${duration(total.p50_ms)}, 95 % within ${duration(total.p95_ms)}`}
            times={times}
            lines={[
              { label: '95 %', values: of(({ p95_ms }) => p95_ms), colour: '--warn' },
              { label: '50 %', values: of(({ p50_ms }) => p50_ms), colour: '--accent', dashed: true },
            ]}
            textOf={duration}
          />
        </div>
        <div class="card">
          <Chart
            title="Cold starts a minute"
            summary={`${counted(total.cold_starts, 'call')} may have waited for a pod`}
            times={times}
            lines={[
              { label: 'Cold starts', values: of(({ cold_starts }) => cold_starts), colour: '--edge', bars: true },
            ]}
            textOf={(value) => value.toLocaleString('en')}
          />
        </div>
      </div>
      <details class="card">
        <summary>As a table</summary>
        <PointsTable points={points} />
      </details>
    </div>
  );
}

function Fact({ name, value, isBad = false }: { name: string; value: string; isBad?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={`number ${isBad ? 'bad-text' : ''}`}>{value}</dd>
    </div>
  );
}

export function share({ calls, errors }: Pick<CallNumbers, 'calls' | 'errors'>): string {
  const percent = calls === 0 ? 0 : (errors / calls) * 100;
  return errors === 0
    ? '0'
    : `${errors.toLocaleString('en')} (${percent < 0.1 ? 'below 0.1' : percent.toFixed(percent < 10 ? 1 : 0)} %)`;
}

/** Only minutes in which something was called. */
function PointsTable({ points }: { points: FunctionMetrics['points'] }) {
  const rows = points.filter(({ calls, retried }) => calls + retried > 0).toReversed();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways is gone through by the keyboard as well.
    <div class="sideways" role="region" aria-label="Numbers by the minute" tabIndex={0}>
      <table class="plain">
        <thead>
          <tr>
            {['Minute', 'Calls', 'Errors', '50 %', '95 %', 'Cold starts', 'Tried again'].map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, calls, errors, p50_ms, p95_ms, cold_starts, retried }) => (
            <tr key={time}>
              <td class="number">{clock(time).slice(0, 5)}</td>
              <td class="number">{calls}</td>
              <td class="number">{errors}</td>
              <td class="number">{duration(p50_ms)}</td>
              <td class="number">{duration(p95_ms)}</td>
              <td class="number">{cold_starts}</td>
              <td class="number">{retried}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
