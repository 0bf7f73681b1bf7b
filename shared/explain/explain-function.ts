/** Why a function does not answer, or answers with failures. */
import type { Explanation } from '#shared/api/schemas.ts';
import { MINUTE, SECOND } from '#shared/durations.ts';
import { dataOf } from '#shared/history/timeline.ts';
import { PORT } from '#shared/specs/knative-service.ts';
import { buildFailure } from './build-failure.ts';
import { duration, firstSentence, fromLog, object, otherSentences, since } from './evidence.ts';
import { callCause } from './explain-call.ts';
import { crashCause, endOfLog } from './explain-crash.ts';
import { explainLetters } from './explain-letter.ts';
import type { Facts } from './facts.ts';
import { knownAdvice } from './known-errors.ts';
import { neverReadyOf } from './never-ready.ts';
import { platformFault } from './platform-fault.ts';
import { isOfCluster, startNext } from './start-advice.ts';

export function explainFunction(facts: Facts): Explanation {
  const about = `function ${facts.subject ?? ''}`;
  if (!facts.fn) {
    return { about, ...(neverDeployed(facts) ?? missing(facts)) };
  }
  const found =
    byState(facts) ??
    byLastFailure(facts) ??
    explainLetters(lettersOfNow(facts), facts) ??
    platformFault(facts, 'parser-events');
  return {
    about,
    ...(found ?? {
      healthy: true,
      cause: `${facts.subject} is ready, and ${calledSince(facts.fn)}`,
      evidence: [],
    }),
  };
}

type Found = Omit<Explanation, 'about'>;

function calledSince({ calls = 0, errors = 0 }: NonNullable<Facts['fn']>): string {
  return errors === 0
    ? 'no call of it is known to have failed'
    : `none of its calls has failed since the last that succeeded, or since it was deployed (${errors} of its ${calls} calls of the last hour did)`;
}

/** Those since the source of what is deployed was seen: what an older version was refused for may be mended. */
function lettersOfNow({ letters, fn }: Facts): Facts['letters'] {
  const since = Date.parse(fn?.observed_at ?? '');
  return letters.filter(({ time }) => !(Date.parse(time) < since));
}

function missing({ subject = '', deletedAt, now }: Facts): Found {
  return {
    healthy: false,
    reason: 'NoSuchFunction',
    cause: deletedAt
      ? `${subject} was deleted ${duration(now.getTime() - Date.parse(deletedAt))} ago`
      : `there is no function ${subject}, and none is being built`,
    evidence: deletedAt
      ? [since(deletedAt, now, 'the deletion was')]
      : [object('no Knative Service of this name', subject)],
    next: deletedAt
      ? { say: 'Deploy it again where it is still wanted', command: 'kn-lambda deploy --force' }
      : { say: 'Correct its name: the list shows what there is; or deploy it', command: 'kn-lambda list' },
  };
}

/** Its builds have all failed, so that there is no version at all. */
function neverDeployed(facts: Facts): Found | undefined {
  const { build, deletedAt = '' } = facts;
  const failure = failureOfBuild(facts);
  return failure && (build?.completed_at ?? '') > deletedAt
    ? { ...failure, cause: `it was never deployed, for its last build failed: ${failure.cause}` }
    : undefined;
}

/** What failed last: a call, its process, or a build. */
function byLastFailure(facts: Facts): Found | undefined {
  const { build, failedCalls } = facts;
  const candidates = [
    { time: failedCalls[0]?.time, look: byCalls },
    { time: lastEnd(facts)?.time, look: byCrash },
    { time: build?.completed_at, look: byBuild },
  ];
  const newestFirst = candidates.sort((a, b) => (Date.parse(b.time ?? '') || 0) - (Date.parse(a.time ?? '') || 0));
  for (const { look } of newestFirst) {
    const found = look(facts);
    if (found) {
      return found;
    }
  }
  return undefined;
}

/** Of what is deployed: during a call, as the door has kept it, or as its pod says. */
function lastEnd({
  crash,
  pods,
  fn,
}: Facts): (NonNullable<Facts['pods'][number]['ended']> & { call?: string }) | undefined {
  const deployed = Date.parse(fn?.observed_at ?? '');
  return [...(crash ? [crash] : []), ...pods.flatMap(({ ended }) => ended ?? [])]
    .filter(({ time }) => !(Date.parse(time) < deployed))
    .sort((a, b) => Date.parse(b.time) - Date.parse(a.time))[0];
}

function byCrash(facts: Facts): Found | undefined {
  const end = lastEnd(facts);
  if (!end) {
    return undefined;
  }
  const { crash } = facts;
  const isInCall = end === crash || (end.pod === crash?.pod && end.time === crash.time);
  const isBackedOff = facts.pods.some(({ trouble }) => trouble?.includes('CrashLoopBackOff'));
  const found = crashCause(end, facts, isInCall ? 'during a call' : 'by itself');
  return isBackedOff
    ? { ...found, cause: `${found.cause}. It was started again, and ended again: each time Kubernetes waits longer` }
    : found;
}

/** The newest build has failed, and nothing has changed by it. */
function byBuild(facts: Facts): Found | undefined {
  const failure = failureOfBuild(facts);
  return failure && { ...failure, cause: `its newest build failed${answering(facts)}: ${failure.cause}` };
}

/** Of the last build; undefined where it has ended well, was given up, or has not ended. */
function failureOfBuild(facts: Facts): Found | undefined {
  const { build, now } = facts;
  if (!build?.completed_at || build.status === 'superseded' || build.status === 'cancelled') {
    return undefined;
  }
  const { correlation_id: id, reason, error_message: message } = build;
  const failure = build.status === 'success' ? refusedDeployment(facts) : buildFailure(facts, id, { reason, message });
  return failure && { ...failure, evidence: [...failure.evidence, since(build.completed_at, now, 'the build ended')] };
}

/** The image was built, and was not deployed: a Secret is missing, or Kubernetes refuses the Service. */
export function refusedDeployment(facts: Facts): Found | undefined {
  const { build, chain } = facts;
  const refused = chain.findLast(({ type }) => type === 'lifecycle.build.failed');
  const { reason, error_message: message } = dataOf(refused);
  return refused && buildFailure(facts, build?.correlation_id ?? '', { reason, message });
}

/** Which version answers meanwhile. */
function answering({ fn }: Facts): string {
  return fn?.revision ? `, and ${fn.revision} answers as before` : '';
}

function byState(facts: Facts): Found | undefined {
  const { fn, subject = '', now } = facts;
  switch (fn?.state) {
    case 'failed':
      return newerFailure(facts) ?? notStarted(facts, fn.message);
    case 'starting':
      return (
        endedWhileStarting(facts) ??
        troubled(facts) ??
        notListening(facts) ?? {
          healthy: true,
          cause: `its newest version is starting${fn.message ? `: ${firstSentence(fn.message)}` : ''}`,
          evidence: fn.observed_at ? [since(fn.observed_at, now, 'its source was seen')] : [],
          next: { say: 'Wait a moment, and read its log', command: `kn-lambda logs ${subject} -f` },
        }
      );
    case 'building':
      return (
        endedMeanwhile(facts) ?? {
          healthy: true,
          cause: 'it is being built for the first time',
          evidence: fn.last_build?.started_at ? [since(fn.last_build.started_at, now, 'the build began')] : [],
          next: { say: 'Let explain say how far it is', command: `kn-lambda explain build ${subject}` },
        }
      );
    case 'deleting':
      return {
        healthy: true,
        reason: 'NoSuchFunction',
        cause: 'it is being deleted',
        evidence: [object('has a deletionTimestamp', `Service ${fn.service_name}`)],
        next: { say: 'Deploy it again where it is still wanted', command: 'kn-lambda deploy --force' },
      };
    default:
      return crashLoop(facts) ?? troubled(facts);
  }
}

/** The list of what runs is some seconds old: its build may have ended since, and failed. */
function endedMeanwhile(facts: Facts): Found | undefined {
  const running = facts.fn?.last_build?.correlation_id;
  return running === undefined || running === facts.build?.correlation_id ? neverDeployed(facts) : undefined;
}

/** A build after the one whose version does not start: then that is what happened last. */
function newerFailure(facts: Facts): Found | undefined {
  const { build, fn } = facts;
  const isNewer = (build?.started_at ?? '') > (fn?.observed_at ?? '');
  return isNewer ? byBuild(facts) : undefined;
}

/** `message`: Knative's, of the revision. */
export function notStarted(facts: Facts, message = 'Knative gives no reason'): Found {
  const { fn, pods, subject = '' } = facts;
  const told = withoutFrames(message);
  const revision = /[Rr]evision "?([\w-]+)"?/.exec(message)?.[1];
  const troubled = pods.find(({ trouble }) => trouble !== undefined && isOfCluster(trouble));
  const trouble = troubled?.trouble ?? (isOfCluster(told) ? told : undefined);
  const others = fn?.revision && fn.revision !== revision ? `, and ${fn.revision} answers as before` : '';
  if (trouble === undefined && neverReadyOf(told, fn?.language)) {
    return neverReady(facts, told, `${revision ? `, ${revision},` : ''}`, others);
  }
  return {
    healthy: false,
    reason: 'FunctionNotReady',
    cause: `its newest version${revision ? `, ${revision},` : ''} does not start${others}: ${firstSentence(told)}`,
    evidence: [
      ...fromLog(
        NO_PROGRAM.test(told) ? undefined : firstSentence(told),
        `what its container said last (kn-lambda logs ${subject} --since 10m)`,
      ),
      ...(troubled?.trouble ? [object(troubled.trouble, `Pod ${troubled.name}`)] : []),
      object('its condition Ready is False', `Service ${fn?.service_name ?? subject}`),
    ],
    next: trouble
      ? startNext(trouble, { pod: troubled?.name ?? '', subject })
      : { say: mending(told), command: 'kn-lambda deploy' },
  };
}

/** Knative, our events and the adapters each say in their own words that it has not started. */
function withoutFrames(message: string): string {
  const [, inner = message] = /(?:failed with(?: message)?|does not become ready): (.*)$/s.exec(message) ?? [];
  const own = inner.replace(/^cannot start: /, '').replace(/\.? Mend the code and send build\.start again.*$/s, '');
  return own === message ? own : withoutFrames(own);
}

/** Of the container's runtime, not of the container. */
const NO_PROGRAM =
  /executable file not found|exec format error|exec: "[^"]*": .*(?:no such file|permission denied|spawn .* (?:ENOENT|EACCES))/i;

function mending(told: string): string {
  if (NO_PROGRAM.test(told)) {
    return 'Correct CMD or ENTRYPOINT in the Dockerfile: the program must be in the image, and made for its processor and executable by USER. Of a script, so must what its first line names, and that line must end as on Linux (LF, not CRLF). Then deploy again';
  }
  if (/out of memory|OOM|exit code 137/i.test(told)) {
    return 'Let it take less memory while it starts, or raise parameters.resources.limits.memory, then deploy again';
  }
  const known = knownAdvice(told);
  if (known !== undefined) {
    return `${known}; then deploy again`;
  }
  const advice = otherSentences(told);
  return advice === undefined ? 'Mend what it names, then deploy again' : adviceOf(advice);
}

/** Ready, and its pods end again and again: that is more than that one of them waits. */
function crashLoop(facts: Facts): Found | undefined {
  return facts.pods.some(({ trouble }) => trouble?.includes('CrashLoopBackOff')) ? byCrash(facts) : undefined;
}

function endedWhileStarting({ pods, subject, now }: Facts): Found | undefined {
  const ended = pods.find((pod) => pod.ended !== undefined)?.ended;
  if (!ended) {
    return undefined;
  }
  const found = crashCause(ended, { subject, now }, 'while it started');
  return { ...found, reason: 'FunctionNotReady' };
}

const PATIENCE = 5 * SECOND;
const SLOW_TO_LOAD = MINUTE;

/** Its container runs, and does not take the connection, or the request, that tells that it is ready. */
function notListening({ pods, fn, now, subject = '' }: Facts): Found | undefined {
  const pod = pods.find(({ unreadySince }) => now.getTime() - Date.parse(unreadySince ?? '') > PATIENCE);
  if (!pod?.unreadySince) {
    return undefined;
  }
  const waits = now.getTime() - Date.parse(pod.unreadySince);
  const evidence = [
    ...endOfLog(pod.log, `the end of its log, of pod ${pod.name}`),
    since(pod.unreadySince, now, 'its container was started'),
  ];
  if (fn?.language === 'docker') {
    const cause = `its container runs for ${duration(waits)}, and nothing in it listens on the port in $PORT (${PORT} in a cluster)`;
    return { healthy: false, reason: 'FunctionNotReady', cause, evidence, next: listen() };
  }
  return {
    healthy: waits < SLOW_TO_LOAD,
    reason: 'FunctionNotReady',
    cause: `its code is still being loaded after ${duration(waits)}: what stands outside of the handler has not ended yet`,
    evidence,
    next: { say: 'See in its log how far it is', command: `kn-lambda logs ${subject} -f` },
  };
}

function listen(): NonNullable<Found['next']> {
  return {
    say: 'Let the server listen on the port that the variable PORT names, on all addresses (0.0.0.0), and not on one of its own; then deploy again',
    command: 'kn-lambda deploy',
  };
}

function neverReady({ fn, pods }: Facts, told: string, revision: string, others: string): Found {
  const isServer = fn?.language === 'docker';
  const cause = neverReadyOf(told, fn?.language) ?? told;
  return {
    healthy: false,
    reason: 'FunctionNotReady',
    cause: `its newest version${revision} does not start${others}: ${cause}`,
    evidence: [
      ...pods.flatMap(({ log, name }) => endOfLog(log, `the end of its log, of pod ${name}`)).slice(0, 1),
      object(told, 'what Knative says of it'),
    ],
    next: isServer
      ? listen()
      : {
          say: 'Do less outside of the handler, such as connecting to something, then deploy again',
          command: 'kn-lambda deploy',
        },
  };
}

/** A pod of it does not start. */
function troubled({ pods, subject = '', fn }: Facts): Found | undefined {
  const { trouble, name = '' } = pods.find((pod) => pod.trouble !== undefined) ?? {};
  return trouble === undefined
    ? undefined
    : {
        healthy: false,
        reason: fn?.state === 'starting' ? 'FunctionNotReady' : 'Unavailable',
        cause: `a pod of it does not start: ${trouble}`,
        evidence: [object(trouble, `Pod ${name}`)],
        next: startNext(trouble, { pod: name, subject }),
      };
}

function byCalls({ failedCalls, subject = '', now }: Facts): Found | undefined {
  const [last] = failedCalls;
  if (!last) {
    return undefined;
  }
  const same = failedCalls.filter(({ error }) => error?.type === last.error?.type).length;
  const found = callCause(last, { subject });
  const how = same > 1 ? ` (so did ${same - 1} more)` : '';
  return {
    ...found,
    cause: `its last failed call: ${found.cause}${how}`,
    evidence: [...found.evidence, since(last.time, now, 'it failed')],
  };
}

/** As an adapter says it: "Add it to requirements.txt and send build.start again." */
function adviceOf(told: string): string {
  const advice = told.replace(/(?:,? (?:and|then)|[;,]) send build\.start again.*$/s, '').replace(/\.$/, '');
  return /^Mend it$|build\.start again/.test(advice)
    ? 'Mend what it names, then deploy again'
    : `${advice}, then deploy again`;
}
