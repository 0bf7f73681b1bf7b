/** What the doctor finds, by group, with the command that mends each. */
import { useResource } from '#page/api/use-api.ts';
import { counted } from '#page/format.ts';
import { Command } from '#page/parts/copy.tsx';
import { Explained } from '#page/parts/explanation.tsx';
import { Mark } from '#page/parts/mark.tsx';
import { Failure, Loading } from '#page/parts/notices.tsx';
import type { Check, Explanation } from '#shared/api/schemas.ts';
import { printable } from '#shared/printable.ts';

const WORST_FIRST: Check['status'][] = ['failed', 'warning', 'unknown', 'ok'];

/** The place of the worst of them in WORST_FIRST. */
function worst(checks: readonly Check[]): number {
  return Math.min(...checks.map(({ status }) => WORST_FIRST.indexOf(status)));
}

export function Health() {
  const doctor = useResource<{ checks: Check[] }>('/doctor', { every: 60_000 });
  const now = useResource<Explanation>('/explain?about=now', { every: 30_000 });
  const checks = doctor.data?.checks ?? [];
  const groups = [...Map.groupBy(checks, ({ group }) => group)].sort(([, one], [, other]) => worst(one) - worst(other));
  return (
    <>
      <div class="title">
        <h1>Health</h1>
        <button type="button" onClick={doctor.refresh}>
          Look again
        </button>
      </div>
      {now.data && !now.data.healthy && <Explained explanation={now.data} />}
      {doctor.loading && <Loading />}
      {doctor.error && <Failure error={doctor.error} retry={doctor.refresh} />}
      {checks.length > 0 && (
        <p class="summary">
          {WORST_FIRST.map((status) => [status, checks.filter((check) => check.status === status).length] as const)
            .filter(([, amount]) => amount > 0)
            .map(([status, amount]) => (
              <Mark key={status} state={status}>
                {status === 'ok'
                  ? `${amount} in order`
                  : status === 'unknown'
                    ? `${amount} not known`
                    : counted(amount, status === 'failed' ? 'failure' : 'warning')}
              </Mark>
            ))}
        </p>
      )}
      <div class="columns">
        {groups.map(([group, members]) => (
          <section key={group} class="card group" aria-label={group}>
            <h2>{group}</h2>
            <ul class="checks">
              {members
                .toSorted((one, other) => WORST_FIRST.indexOf(one.status) - WORST_FIRST.indexOf(other.status))
                .map((check) => (
                  <li key={check.name}>
                    <Mark state={check.status}>{check.name}</Mark>
                    <p class="quiet">{printable(check.message)}</p>
                    {check.next && check.status !== 'ok' && (
                      <>
                        <p>{check.next.say}</p>
                        {check.next.command !== undefined && <Command text={check.next.command} />}
                      </>
                    )}
                  </li>
                ))}
            </ul>
          </section>
        ))}
      </div>
    </>
  );
}
