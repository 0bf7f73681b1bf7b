/** What became of a call. */
import type { Call, Explanation } from '#shared/api/schemas.ts';
import { dataOf } from '#shared/history/timeline.ts';
import { ownStack } from '#shared/own-stack.ts';
import { type Asked, isReason, nextFor } from './advice.ts';
import { duration, firstSentence, fromEvent, otherSentences, places } from './evidence.ts';
import { crashCause, endOfLog } from './explain-crash.ts';
import { explainLetters } from './explain-letter.ts';
import type { Facts } from './facts.ts';
import { knownAdvice } from './known-errors.ts';
import { platformFault } from './platform-fault.ts';

type Found = Omit<Explanation, 'about'>;

export function explainCall(facts: Facts): Explanation {
  const { call, subject = '', id = '', chain } = facts;
  const about = `call ${id} of ${subject}`;
  const asked = { subject };
  if (call && !call.succeeded) {
    const answer = chain.findLast(({ type }) => type === 'parser.complete');
    const found = callCause(call, asked);
    return { about, ...found, evidence: [...found.evidence, ...fromEvent(answer)] };
  }
  if (call) {
    const took = call.duration_ms === undefined ? '' : ` in ${duration(call.duration_ms)}`;
    return {
      about,
      healthy: true,
      cause: `it was answered${took}`,
      evidence: [],
      next: { say: 'See its lines in the log', command: `kn-lambda logs ${subject} --call ${id}` },
    };
  }
  const told = explainLetters(facts.letters, facts);
  return { about, ...(refused(chain, asked) ?? told ?? crashed(facts) ?? waiting(facts)) };
}

/** Nobody has answered for it yet. Without an id, of the last crash. */
function crashed({ crash, id = '', subject, now }: Facts): Found | undefined {
  const isIt = crash !== undefined && (id === '' || crash.call === id || crash.call.endsWith(`.${id}`));
  return isIt
    ? crashCause(
        crash,
        { subject, now },
        id === '' ? 'during its last call that failed' : 'during the call, which is tried again for a minute',
      )
    : undefined;
}

/** Undefined where the stack is nothing but the message once more. */
function framesOf({ error }: Call): string | undefined {
  const lines = error?.stack ? ownStack(error.stack) : [];
  return lines.some((line) => /^\s+\S/.test(line)) ? lines.join('\n') : undefined;
}

/** Of a call that failed, by what the answer says. */
export function callCause(call: Call, asked: Asked): Found {
  const { type = 'Error', message = 'the function gave no message' } = call.error ?? {};
  const took = call.duration_ms === undefined ? '' : `, after ${duration(call.duration_ms)}`;
  const evidence = [
    { kind: 'event' as const, text: `${type}: ${firstSentence(message)}`, where: `parser.complete of ${call.id}` },
    ...endOfLog(framesOf(call), 'where it was raised'),
    ...places(message),
  ];
  const byPlatform = isReason(type) ? type : undefined;
  if (byPlatform) {
    const cause = `${firstSentence(message)}${took}`;
    return {
      healthy: false,
      reason: byPlatform,
      cause,
      evidence,
      next: nextFor(byPlatform, asked, otherSentences(message)),
    };
  }
  return {
    healthy: false,
    reason: 'HandlerFailed',
    cause: `the handler raised ${type}: ${firstSentence(message)}`,
    evidence,
    next: {
      say: `${knownAdvice(`${type}: ${message}`) ?? 'Mend the code'}: the log of the call has the stack, as long as its pod is there`,
      command: `kn-lambda logs ${asked.subject} --call ${call.id}`,
    },
  };
}

/** Of an event that a function of ours has refused: what is wrong with it. */
export function refused(chain: Facts['chain'], asked: Asked): Found | undefined {
  const event = chain.findLast(({ type }) => type === 'event.rejected');
  const { reason } = dataOf(event);
  if (!event || !isReason(reason)) {
    return undefined;
  }
  const problems = (event.data as { problems?: { path?: string; message?: string }[] }).problems ?? [];
  const told = problems.map(({ path, message }) => `${path} ${message}`).join('; ');
  return {
    healthy: false,
    reason,
    cause: `it was refused: ${told || reason}`,
    evidence: fromEvent(event),
    next: nextFor(reason, asked),
  };
}

function waiting(facts: Facts): Found {
  const { fn, subject = '', id = '', chain } = facts;
  const fault = platformFault(facts, 'parser-events');
  if (fault) {
    return fault;
  }
  if (fn && fn.state !== 'ready') {
    return {
      healthy: false,
      reason: 'FunctionNotReady',
      cause: `it waits for the function, which is ${fn.state}${fn.message ? `: ${firstSentence(fn.message)}` : ''}`,
      evidence: [{ kind: 'object', text: fn.message ?? fn.state, where: `Service ${fn.service_name}` }],
      next: { say: 'Let explain say why the function is not ready', command: `kn-lambda explain ${subject}` },
    };
  }
  if (!fn) {
    return {
      healthy: false,
      reason: 'NoSuchFunction',
      cause: `there is no function ${subject}`,
      evidence: [{ kind: 'object', text: 'no Knative Service of this name', where: subject }],
      next: { say: 'Correct the name: the list shows what there is; or deploy it', command: 'kn-lambda list' },
    };
  }
  if (id === '') {
    return {
      healthy: true,
      cause: `no call of ${subject} that failed is recorded`,
      evidence: [],
      next: { say: 'Read its log', command: `kn-lambda logs ${subject}` },
    };
  }
  return {
    healthy: true,
    cause: `no failure of ${id} is recorded: it succeeded and is not in the sample (CALL_SAMPLE), is under way, or never came`,
    evidence: fromEvent(chain.at(-1)),
    next: { say: 'Look for its lines in the log', command: `kn-lambda logs ${subject} --call ${id}` },
  };
}
