/** What is wrong now: the platform first, since everything else follows from it. */
import type { Explanation } from '#shared/api/schemas.ts';
import { MINUTE } from '#shared/durations.ts';
import { duration, type Evidence, firstSentence, object, since } from './evidence.ts';
import type { Facts } from './facts.ts';
import { platformFault } from './platform-fault.ts';

const LONG_BUILD = 10 * MINUTE;

export function explainNow(facts: Facts): Explanation {
  const { functions, running, letters, now, slots } = facts;
  const failed = functions.filter(({ state }) => state === 'failed');
  const slow = running.filter(
    ({ started_at }) => now.getTime() - Date.parse(started_at ?? now.toISOString()) > LONG_BUILD,
  );
  const open = letters.filter(({ state }) => state === 'open');
  const evidence: Evidence[] = [
    ...failed
      .slice(0, 5)
      .map((one) =>
        object(firstSentence(one.message ?? 'it does not start'), `function ${one.third_party_id}/${one.parser_id}`),
      ),
    ...slow
      .slice(0, 3)
      .map((one) => since(one.started_at ?? '', now, `build of ${one.third_party_id}/${one.parser_id} began`)),
    ...open
      .slice(0, 5)
      .map((one): Evidence => ({ kind: 'event', text: `${one.type}: ${one.reason}`, where: `dead letter ${one.id}` })),
  ];
  const fault = platformFault(facts);
  if (fault) {
    return { about: 'now', ...fault, evidence: [...fault.evidence, ...evidence] };
  }
  const [first] = failed;
  if (first) {
    const name = `${first.third_party_id}/${first.parser_id}`;
    const others = failed.length > 1 ? `, and ${failed.length - 1} more do not either` : '';
    const cause = `${name} does not start${others}: ${firstSentence(first.message ?? 'Knative gives no reason')}`;
    return {
      about: 'now',
      healthy: false,
      reason: 'FunctionNotReady',
      cause,
      evidence,
      next: { say: 'Let explain say more of it', command: `kn-lambda explain ${name}` },
    };
  }
  const [letter] = open;
  if (letter) {
    const cause = `${open.length} event${open.length === 1 ? ' was' : 's were'} refused or not delivered, the last one as ${letter.reason}`;
    return {
      about: 'now',
      healthy: false,
      reason: letter.reason,
      cause,
      evidence,
      next: { say: 'Let explain say what to do about it', command: `kn-lambda explain letter ${letter.id}` },
    };
  }
  const [build] = slow;
  if (build) {
    const name = `${build.third_party_id}/${build.parser_id}`;
    const cause = `the build of ${name} is under way for ${duration(now.getTime() - Date.parse(build.started_at ?? ''))} already`;
    return {
      about: 'now',
      healthy: false,
      reason: 'BuildTimeout',
      cause,
      evidence,
      next: { say: 'Let explain say what it waits for', command: `kn-lambda explain build ${name}` },
    };
  }
  const builds =
    slots && slots.running + slots.waiting > 0 ? `; ${slots.running} builds run, ${slots.waiting} wait` : '';
  return {
    about: 'now',
    healthy: true,
    cause: `nothing is wrong: ${functions.length} functions, no open dead letters${builds}`,
    evidence,
  };
}
