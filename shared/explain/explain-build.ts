/** Why a build is where it is. */
import type { Explanation } from '#shared/api/schemas.ts';
import { MINUTE, SECOND } from '#shared/durations.ts';
import { dataOf } from '#shared/history/timeline.ts';
import { buildFailure } from './build-failure.ts';
import { duration, fromEvent, fromLog, object, since } from './evidence.ts';
import { refused } from './explain-call.ts';
import { explainFunction, notStarted, refusedDeployment } from './explain-function.ts';
import { explainLetters } from './explain-letter.ts';
import type { Facts } from './facts.ts';
import { platformFault } from './platform-fault.ts';
import { startNext } from './start-advice.ts';

/** How long a step may take before it is worth asking who is waited for. */
const PATIENCE = 15 * SECOND;
const LONG_BUILD = 10 * MINUTE;

export function explainBuild(facts: Facts): Explanation {
  const { build, chain, subject = '' } = facts;
  const about = `build ${build?.correlation_id ?? facts.id ?? ''} of ${subject}`;
  if (!build) {
    return { ...nothingKnown(facts), about };
  }
  const found =
    build.completed_at === undefined
      ? underWay(facts)
      : build.status === 'success'
        ? afterSuccess(facts)
        : buildFailure(facts, build.correlation_id, { reason: build.reason, message: build.error_message });
  const last = found.healthy ? [] : fromEvent(chain.at(-1));
  return { ...found, about, evidence: [...found.evidence, ...last] };
}

type Found = Omit<Explanation, 'about'>;

/** What a build has made may still not run. */
function afterSuccess(facts: Facts): Found {
  const { fn, build, chain } = facts;
  const refused = refusedDeployment(facts);
  if (refused) {
    return refused;
  }
  const notReady = chain.findLast(({ type }) => type === 'lifecycle.function.failed');
  const isCurrent = fn !== undefined && fn.image_uri === build?.image_uri;
  const isReplaced = fn !== undefined && (!isCurrent || fn.state === 'ready');
  if (notReady && !isReplaced) {
    return notStarted(facts, String(dataOf(notReady).error_message ?? ''));
  }
  if (isCurrent && fn.state !== 'ready') {
    const { about: _, ...found } = explainFunction(facts);
    return found;
  }
  const took = build?.duration_ms === undefined ? '' : ` in ${duration(build.duration_ms)}`;
  return { healthy: true, cause: `the build has succeeded${took}, and its function is deployed`, evidence: [] };
}

function underWay(facts: Facts): Found {
  const { build, chain, pods, now, slots, subject = '' } = facts;
  const started = chain.find(({ type }) => type === 'lifecycle.build.started');
  const last = chain.at(-1);
  const rejected = refused(chain, { subject });
  if (rejected) {
    return {
      ...rejected,
      next: { say: 'Correct what it names, in function.yaml say, then deploy again', command: 'kn-lambda deploy' },
    };
  }
  const trouble = pods.find((pod) => pod.trouble !== undefined);
  if (trouble) {
    return {
      healthy: false,
      reason: 'Unavailable',
      cause: `the build waits for its pod, which does not start: ${trouble.trouble}`,
      evidence: [object(trouble.trouble ?? '', `Pod ${trouble.name}`)],
      next: startNext(trouble.trouble ?? '', { pod: trouble.name, namespace: facts.buildsNamespace, subject }),
    };
  }
  if (build?.status === 'queued') {
    const place = build.queue_position ? `, at place ${build.queue_position}` : '';
    const busy = slots ? `: ${slots.running} builds run, ${slots.waiting} wait` : '';
    return {
      healthy: true,
      cause: `the build waits for a free slot${place}${busy}`,
      evidence: last ? [since(last.time, now, 'it was queued')] : [],
      next: {
        say: 'Wait, or have MAX_CONCURRENT_BUILDS raised where the nodes have room: its events say when it begins',
        command: `kn-lambda events ${subject} -f`,
      },
    };
  }
  const waited = now.getTime() - Date.parse(last?.time ?? build?.started_at ?? now.toISOString());
  if (!started && waited > PATIENCE && build?.job_name === undefined) {
    return waitsForUs(facts, waited);
  }
  const isLong = waited > LONG_BUILD;
  return {
    healthy: !isLong,
    cause: isLong
      ? `the build's own commands run for ${duration(waited)} already`
      : `the build runs, since ${duration(waited)}`,
    evidence: [
      ...(last ? [since(last.time, now, `${last.type} was`)] : []),
      ...(isLong ? fromLog(facts.log, 'the log so far') : []),
    ],
    next: { say: 'Follow its log', command: `kn-lambda logs ${subject} --build ${build?.correlation_id ?? ''} -f` },
  };
}

/** The next step is one of our functions'. */
function waitsForUs(facts: Facts, waited: number): Found {
  const { chain, letters } = facts;
  const last = chain.at(-1);
  const whose =
    last?.type === 'job.start' ? 'job-start' : last?.type === 'build.complete' ? 'build-complete' : 'build-start';
  const fault = platformFault(facts, whose);
  if (fault) {
    return fault;
  }
  const told = explainLetters(letters, facts);
  if (told) {
    return told;
  }
  return {
    healthy: false,
    reason: 'Unavailable',
    cause: `${whose} has not answered ${last?.type ?? 'build.start'} for ${duration(waited)}: it tries again what S3, the registry or Kubernetes refuse for a while`,
    evidence: last ? [since(last.time, facts.now, `${last.type} was sent`)] : [],
    next: { say: `Let doctor look at S3, the registry and ${whose}`, command: 'kn-lambda doctor' },
  };
}

function nothingKnown(facts: Facts): Found {
  const fault = platformFault(facts, 'build-start');
  const told = explainLetters(facts.letters, facts);
  return (
    told ??
    fault ?? {
      healthy: false,
      reason: 'NoSuchResource',
      cause: `no build of this id is recorded for ${facts.subject ?? 'this function'}: its build.start did not reach the Broker, was for another function, or is older than the history`,
      evidence: [{ kind: 'time', text: `looked for at ${facts.now.toISOString()}` }],
      next: { say: 'Deploy it again', command: 'kn-lambda deploy' },
    }
  );
}
