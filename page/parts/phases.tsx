/** What a build, or a call, spent its time on: one bar a phase, from its begin to its end. */
import { duration } from '#page/format.ts';
import type { BuildDetail } from '#shared/api/schemas.ts';

type Phase = BuildDetail['phases'][number];

interface PhasesProps {
  phases: readonly Phase[];
  now?: number | undefined;
  nameOf?: (name: string) => string;
}

/** `now`: where a phase that has not ended goes to; undefined where the build has ended. */
export function Phases({ phases, now, nameOf = plain }: PhasesProps) {
  if (phases.length === 0) {
    return null;
  }
  const rows = phases.map((phase) => {
    const began = Date.parse(phase.started_at);
    const isOpen = phase.duration_ms === undefined;
    return {
      ...phase,
      began,
      isOpen,
      ended: isOpen ? Math.max(began, now ?? began) : began + (phase.duration_ms ?? 0),
    };
  });
  const from = Math.min(...rows.map(({ began }) => began));
  const whole = Math.max(1, Math.max(...rows.map(({ ended }) => ended)) - from);
  return (
    <ol class="phases">
      {rows.map(({ name, began, ended, isOpen }) => (
        <li key={name} class={isOpen && now !== undefined ? 'open' : undefined}>
          <span class="phase">{nameOf(name)}</span>
          <span class="track" aria-hidden="true">
            <span
              style={{
                left: `${((began - from) / whole) * 100}%`,
                width: `${Math.max(0.5, ((ended - began) / whole) * 100)}%`,
              }}
            />
          </span>
          <span class="number">{isOpen && now === undefined ? '–' : duration(ended - began)}</span>
        </li>
      ))}
    </ol>
  );
}

function plain(name: string): string {
  return name.replaceAll('_', ' ');
}
