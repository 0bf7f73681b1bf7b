/** What is wrong now: the platform first, since everything else follows from it; then the gravest of what is new. */
import type { Build, Explanation, FunctionSummary, Letter } from '#shared/api/schemas.ts';
import { bounded } from '#shared/bounded-text.ts';
import { HOUR, MINUTE } from '#shared/durations.ts';
import { subjectOf } from '#shared/events/identity.ts';
import { duration, type Evidence, firstSentence, object, since } from './evidence.ts';
import type { Facts } from './facts.ts';
import { platformFault } from './platform-fault.ts';

const LONG_BUILD = 10 * MINUTE;
/** What is older may have been given up: it comes after everything that is new. */
const STALE = HOUR;
const MOST_OF_A_KIND = 5;
const LONGEST_LINE = 200;

interface Item {
  /** Milliseconds since the epoch: when it went wrong. */
  at: number;
  reason: string;
  cause: string;
  /** Of all of its kind; the first one stands in the cause. */
  evidence: Evidence;
  next: NonNullable<Explanation['next']>;
}

export function explainNow(facts: Facts): Explanation {
  const { functions, letters, now, slots } = facts;
  // The gravest first.
  const kinds = [
    [...crashing(facts), ...notStarting(facts)],
    lettersOfNow(facts),
    failing(facts),
    slowBuilds(facts),
  ].map((kind) => kind.toSorted((a, b) => b.at - a.at));
  const isStale = ({ at }: Item) => now.getTime() - at > STALE;
  const fresh = kinds.map((kind) => kind.filter((one) => !isStale(one)));
  const stale = kinds
    .flat()
    .filter(isStale)
    .sort((a, b) => b.at - a.at);
  const evidence = [...fresh.flatMap((kind) => kind.slice(0, MOST_OF_A_KIND)), ...stale]
    .slice(0, 3 * MOST_OF_A_KIND)
    .map((one) => one.evidence);
  const fault = platformFault(facts);
  if (fault) {
    return { about: 'now', ...fault, evidence: [...fault.evidence, ...evidence] };
  }
  const all = [...fresh.flat(), ...stale];
  const [first] = all;
  if (first) {
    const { reason, cause, next } = first;
    const more = all.length > 1 ? `; ${all.length - 1} more below` : '';
    return { about: 'now', healthy: false, reason, cause: `${cause}${more}`, evidence, next };
  }
  const builds =
    slots && slots.running + slots.waiting > 0 ? `; builds: ${slots.running} running, ${slots.waiting} waiting` : '';
  const open = letters.filter(({ state }) => state === 'open').length;
  return {
    about: 'now',
    healthy: true,
    cause: `nothing is wrong: ${functions.length} functions, ${open === 0 ? 'no open dead letters' : `${open} dead letters of versions before`}${builds}`,
    evidence: [],
  };
}

function crashing({ functions, now }: Facts): Item[] {
  return functions.flatMap((one) =>
    one.crashed_at === undefined
      ? []
      : [
          {
            at: Date.parse(one.crashed_at),
            reason: 'Unavailable',
            cause: `the process of ${subjectOf(one)} ended during a call, ${duration(now.getTime() - Date.parse(one.crashed_at))} ago`,
            evidence: object(`its process ended during a call at ${one.crashed_at}`, `function ${subjectOf(one)}`),
            next: { say: 'Let explain say how it ended', command: `kn-lambda explain ${subjectOf(one)}` },
          },
        ],
  );
}

function notStarting({ functions }: Facts): Item[] {
  return functions
    .filter(({ state }) => state === 'failed')
    .map((one) => {
      const why = firstSentence(one.message ?? 'Knative gives no reason');
      const isNeverBuilt = one.image_uri === undefined && one.last_build?.status === 'failed';
      return {
        at: timeOf(one),
        reason: isNeverBuilt ? (one.last_build?.reason ?? 'BuildFailed') : 'FunctionNotReady',
        cause: isNeverBuilt ? `${subjectOf(one)}: ${why}` : `${subjectOf(one)} does not start: ${why}`,
        evidence: object(bounded(why, LONGEST_LINE), `function ${subjectOf(one)}`),
        next: { say: 'Let explain say more of it', command: `kn-lambda explain ${subjectOf(one)}` },
      };
    });
}

/** Where nothing tells when, now: rather too far up than below what is old. */
function timeOf({ last_build, observed_at, created_at }: FunctionSummary): number {
  const time = Date.parse(last_build?.completed_at ?? observed_at ?? created_at ?? '');
  return Number.isNaN(time) ? Number.MAX_SAFE_INTEGER : time;
}

/** Of what is deployed: what an older version was refused for may be mended. */
function lettersOfNow({ letters, functions }: Facts): Item[] {
  const deployed = new Map(functions.map((one) => [subjectOf(one), Date.parse(one.observed_at ?? '')]));
  const isOld = ({ third_party_id, parser_id, time }: Letter) =>
    Date.parse(time) < (deployed.get(`${third_party_id}/${parser_id}`) ?? Number.NaN);
  const open = letters.filter((one) => one.state === 'open' && !isOld(one));
  return open.map((letter) => ({
    at: Date.parse(letter.time),
    reason: letter.reason,
    cause: `${open.length} event${open.length === 1 ? ' was' : 's were'} refused or not delivered, the last one as ${letter.reason}`,
    evidence: {
      kind: 'event',
      text: `${letter.type}: ${letter.reason}${letter.advice ? `: ${bounded(firstSentence(letter.advice), LONGEST_LINE)}` : ''}`,
      where: `dead letter ${letter.id}`,
    },
    next: { say: 'Let explain say what to do about it', command: `kn-lambda explain letter ${letter.id}` },
  }));
}

/** Ready, and all of its calls fail; or its newest build has failed, and the version before answers. */
function failing({ functions, now }: Facts): Item[] {
  return functions
    .filter(({ state, crashed_at }) => state === 'ready' && crashed_at === undefined)
    .flatMap((one) => {
      const { calls = 0, errors = 0, last_build: build } = one;
      const next = { say: 'Let explain say why', command: `kn-lambda explain ${subjectOf(one)}` };
      const isBuildFailed = build?.status === 'failed' || build?.status === 'timeout';
      if (isBuildFailed) {
        const at = Date.parse(build.completed_at ?? '') || now.getTime();
        const text = `its newest build failed${build.reason ? `, ${build.reason}` : ''}, and the version before answers`;
        const where = `function ${subjectOf(one)}`;
        const reason = build.reason ?? 'BuildFailed';
        return [{ at, reason, cause: `${subjectOf(one)}: ${text}`, evidence: object(text, where), next }];
      }
      const text =
        calls === 1
          ? 'its only call of the last hour failed'
          : `${calls === errors ? 'all' : errors} of its ${calls} calls of the last hour failed`;
      return errors > 0 && errors * 2 >= calls
        ? [
            {
              at: now.getTime(),
              reason: 'HandlerFailed',
              cause: `${subjectOf(one)}: ${text}`,
              evidence: object(text, `function ${subjectOf(one)}`),
              next,
            },
          ]
        : [];
    });
}

function slowBuilds({ running, now }: Facts): Item[] {
  const began = ({ started_at }: Build) => Date.parse(started_at ?? now.toISOString());
  return running
    .filter((one) => now.getTime() - began(one) > LONG_BUILD)
    .map((one) => ({
      // It goes on now.
      at: now.getTime(),
      reason: 'BuildTimeout',
      cause: `the build of ${subjectOf(one)} is under way for ${duration(now.getTime() - began(one))} already`,
      evidence: since(one.started_at ?? '', now, `build of ${subjectOf(one)} began`),
      next: { say: 'Let explain say what it waits for', command: `kn-lambda explain build ${subjectOf(one)}` },
    }));
}
