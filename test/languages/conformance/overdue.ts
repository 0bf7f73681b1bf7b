/** A call that does not end, beside others: what becomes of it, of them, and of the one that comes next. */
import { setTimeout as sleep } from 'node:timers/promises';
import { send } from './send-case.ts';
import type { RunningFunction } from './start-function.ts';

export const SECONDS = 3;
export const ACTS = ['loop', 'loop-async', 'block', 'hang'] as const;
export type Act = (typeof ACTS)[number];

/** So long a test waits for a call that is made again and again. */
const PATIENCE_SECONDS = 100;

export interface Called {
  /** What the caller gets: `succeeded`, or the type of an error. */
  outcome: string;
  /** How often it was made. */
  times: number;
  milliseconds: number;
}

export interface Figures {
  overdue: Called;
  others: Called[];
  /** Sent when the time of the overdue one was over; `milliseconds` since then. */
  next: Called;
}

/** `inFlight`: the calls that the function has at the same time, the overdue one among them. */
export async function callOverdue(running: RunningFunction, act: Act, inFlight: number): Promise<Figures> {
  const wait = () => called(running, 'wait', { ms: SECONDS * 400 });
  const before = Array.from({ length: Math.floor(inFlight / 2) }, wait);
  await sleep(inFlight > 1 ? 200 : 0);
  const call = called(running, act);
  await sleep(SECONDS * 600);
  // Their time ends well after that of the overdue one.
  const during = Array.from({ length: inFlight - 1 - before.length }, wait);
  const overdue = await call;
  const next = await called(running, 'return-number', {}, PATIENCE_SECONDS);
  return { overdue, others: await Promise.all([...before, ...during]), next };
}

/** As the platform does: it answers Timeout when the time is over, and calls again where the connection broke. */
async function called(running: RunningFunction, act: string, data: object = {}, seconds = SECONDS): Promise<Called> {
  const began = performance.now();
  const milliseconds = () => performance.now() - began;
  for (let times = 1; ; times++) {
    const answer = await Promise.race([
      send(running.url, { area: '', case: '', act, body: JSON.stringify(data), answer: { result: null } }).catch(
        () => 'broken' as const,
      ),
      sleep(seconds * 1000, 'Timeout' as const),
    ]);
    if (answer === 'Timeout') {
      return { outcome: 'Timeout', times, milliseconds: milliseconds() };
    }
    if (answer !== 'broken') {
      const { succeeded, error } = JSON.parse(answer.body) as { succeeded: boolean; error?: { type: string } };
      return { outcome: succeeded ? 'succeeded' : (error?.type ?? answer.body), times, milliseconds: milliseconds() };
    }
    if (milliseconds() > PATIENCE_SECONDS * 1000) {
      return { outcome: 'broken', times, milliseconds: milliseconds() };
    }
    await sleep(50);
  }
}
