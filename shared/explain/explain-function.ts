/** Why a function does not answer, or answers with failures. */
import type { Explanation } from '#shared/api/schemas.ts';
import { duration, firstSentence, fromLog, object, places, since } from './evidence.ts';
import { callCause } from './explain-call.ts';
import { explainLetters } from './explain-letter.ts';
import type { Facts } from './facts.ts';
import { platformFault } from './platform-fault.ts';
import { startAdvice } from './start-advice.ts';

export function explainFunction(facts: Facts): Explanation {
  const { fn, subject = '', deletedAt, now } = facts;
  const about = `function ${subject}`;
  if (!fn) {
    return {
      about,
      healthy: false,
      reason: 'NoSuchFunction',
      cause: deletedAt
        ? `${subject} was deleted ${duration(now.getTime() - Date.parse(deletedAt))} ago`
        : `there is no function ${subject}, and none is being built`,
      evidence: deletedAt
        ? [since(deletedAt, now, 'the deletion was')]
        : [object('no Knative Service of this name', subject)],
      next: {
        say: 'Deploy it, or correct its name',
        command: deletedAt ? 'kn-lambda deploy --force' : 'kn-lambda list',
      },
    };
  }
  const found =
    byState(facts) ?? byCalls(facts) ?? explainLetters(facts.letters, facts) ?? platformFault(facts, 'parser-events');
  return {
    about,
    ...(found ?? {
      healthy: true,
      cause: `${subject} is ready, and no call of it is known to have failed`,
      evidence: [],
    }),
  };
}

type Found = Omit<Explanation, 'about'>;

function byState(facts: Facts): Found | undefined {
  const { fn, subject = '', now } = facts;
  switch (fn?.state) {
    case 'failed':
      return failed(facts);
    case 'starting':
      return (
        troubled(facts) ?? {
          healthy: true,
          cause: `its newest version is starting${fn.message ? `: ${firstSentence(fn.message)}` : ''}`,
          evidence: fn.created_at ? [since(fn.created_at, now, 'it was made')] : [],
          next: { say: 'Wait a moment, then read its log', command: `kn-lambda logs ${subject}` },
        }
      );
    case 'building':
      return {
        healthy: true,
        cause: 'it is being built for the first time',
        evidence: fn.last_build?.started_at ? [since(fn.last_build.started_at, now, 'the build began')] : [],
        next: { say: 'See how far it is', command: `kn-lambda explain build ${subject}` },
      };
    case 'deleting':
      return {
        healthy: true,
        reason: 'NoSuchFunction',
        cause: 'it is being deleted',
        evidence: [object('has a deletionTimestamp', `Service ${fn.service_name}`)],
        next: { say: 'Deploy it again where it is still wanted', command: 'kn-lambda deploy --force' },
      };
    default:
      return troubled(facts);
  }
}

function failed({ fn, pods, subject = '' }: Facts): Found {
  const message = fn?.message ?? 'Knative gives no reason';
  const told = /failed with(?: message)?: (.*)$/s.exec(message)?.[1] ?? message;
  const trouble = pods.find((pod) => pod.trouble !== undefined)?.trouble;
  const isPod = trouble !== undefined || /ImagePull|ErrImage|nodes are available|quota/i.test(message);
  return {
    healthy: false,
    reason: 'FunctionNotReady',
    cause: `its newest version does not start: ${firstSentence(told)}`,
    evidence: [
      ...fromLog(told, 'what the container said last'),
      ...places(told),
      object(message, `Service ${fn?.service_name}`),
    ],
    next: {
      say: isPod ? startAdvice(trouble ?? message) : 'Mend what it names, then deploy again; its log says more',
      command: `kn-lambda logs ${subject} --since 10m`,
    },
  };
}

/** A pod of it does not start. */
function troubled({ pods, subject = '', fn }: Facts): Found | undefined {
  const { trouble, name } = pods.find((pod) => pod.trouble !== undefined) ?? {};
  return trouble === undefined
    ? undefined
    : {
        healthy: false,
        reason: fn?.state === 'starting' ? 'FunctionNotReady' : 'Unavailable',
        cause: `a pod of it does not start: ${trouble}`,
        evidence: [object(trouble, `Pod ${name}`)],
        next: { say: startAdvice(trouble), command: `kn-lambda describe ${subject}` },
      };
}

function byCalls({ failedCalls, subject = '', now }: Facts): Found | undefined {
  const [last] = failedCalls;
  if (!last) {
    return undefined;
  }
  const same = failedCalls.filter(({ error }) => error?.type === last.error?.type).length;
  const found = callCause(last, { subject, id: last.id });
  const how = same > 1 ? ` (so did ${same - 1} more)` : '';
  return {
    ...found,
    cause: `its last failed call: ${found.cause}${how}`,
    evidence: [...found.evidence, since(last.time, now, 'it failed')],
  };
}
