/** Where the time of a call went, from the moment it was sent until its answer was on its way. */
import type { Call } from '#shared/api/schemas.ts';
import { Phases } from './phases.tsx';

export function CallPhases({ call }: { call: Pick<Call, 'phases' | 'cold'> }) {
  const { phases, cold } = call;
  if (phases === undefined) {
    return null;
  }
  const names: Record<string, string> = {
    wait: 'in the queue',
    start: cold ? 'start of a pod' : 'way to the pod',
    function: 'in the function',
    answer: 'answer',
  };
  return (
    <section aria-label="Where the time went">
      <Phases phases={phases} nameOf={(name) => names[name] ?? name} />
    </section>
  );
}
