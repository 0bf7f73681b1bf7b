/**
 * Replaces a process in which a call does not end. The platform has answered that call by then (Timeout), and all
 * others shall be answered too.
 */
import { Worker } from 'node:worker_threads';
import { SECOND } from '#shared/durations.ts';
import { replaceProcess } from './replace-process.ts';

/** The platform's clock begins before ours, and its answer comes first. */
const GRACE = SECOND / 4;
/** So long a process may be busy with another call before it is taken for one that hangs. */
const BLOCKED_FOR = 1.25 * SECOND;
const WHY = 'a call did not end in its time (parameters.timeout_seconds): the process is replaced';
/** The way from the watchdog's thread to this one. */
const REPLACE = 'knative-lambda.replace';

/** Watches one call; what it returns must be called when the call ends. */
export type WatchCall = () => () => void;

/**
 * `seconds`: the time that one call has. Two kinds of handlers do not end in it. One waits for what never comes: others
 * are served meanwhile, so the process is replaced when it is idle, or when all calls that it had then have had their
 * time. One loops, and blocks this thread with all its timers: only another thread sees that.
 */
export function watchCalls(seconds: number): WatchCall {
  const time = seconds * SECOND + GRACE;
  /** Oldest first: all have the same time. */
  const deadlines = new Map<object, bigint>();
  const overdue = new Set<object>();
  const first = new BigInt64Array(new SharedArrayBuffer(8));
  Object.assign(globalThis, { [Symbol.for(REPLACE)]: () => replaceProcess(WHY) });
  startWatchdog(first);

  function update(): void {
    const [oldest = 0n] = deadlines.values();
    if (Atomics.exchange(first, 0, oldest) !== oldest) {
      Atomics.notify(first, 0);
    }
  }
  function replaceIfIdle(): void {
    if (overdue.size > 0 && deadlines.size === 0) {
      replaceProcess(WHY);
    }
  }
  function isOver(call: object): void {
    // This timer came, so the thread is not blocked, and the watchdog need not look at the call.
    deadlines.delete(call);
    overdue.add(call);
    update();
    replaceIfIdle();
    setTimeout(() => overdue.has(call) && replaceProcess(WHY), time).unref();
  }
  return () => {
    const call = {};
    deadlines.set(call, milliseconds() + BigInt(time));
    update();
    const timer = setTimeout(isOver, time, call).unref();
    return () => {
      clearTimeout(timer);
      deadlines.delete(call);
      overdue.delete(call);
      update();
      // This call's answer is written first.
      setTimeout(replaceIfIdle, GRACE).unref();
    };
  };
}

/** Of a clock that all threads share. */
function milliseconds(): bigint {
  return process.hrtime.bigint() / 1_000_000n;
}

/** `first`: when the oldest call is over, 0 while there is none. The thread sleeps until then. */
function startWatchdog(first: BigInt64Array): void {
  new Worker(WATCHDOG, {
    eval: true,
    workerData: { first, blockedFor: BLOCKED_FOR, name: REPLACE },
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
    execArgv: [],
  }).unref();
}

/**
 * By the inspector a thread interrupts another one, also in a loop or a regular expression. It does not where that
 * one waits for a program (execSync): that one is ended then, with all it started. The last signal does not reach
 * process 1 of a container.
 */
const WATCHDOG = `
const fs = require('node:fs');
const { setTimeout: pause } = require('node:timers/promises');
const { first, blockedFor, name } = require('node:worker_threads').workerData;
const now = () => Number(process.hrtime.bigint() / 1000000n);
const childrenOf = (pid) =>
  fs.readdirSync('/proc/' + pid + '/task').flatMap((task) =>
    fs.readFileSync('/proc/' + pid + '/task/' + task + '/children', 'utf8').split(' ').filter(Boolean).map(Number));
const below = (pid) => childrenOf(pid).flatMap((child) => [child, ...below(child)]);

for (;;) {
  const deadline = Atomics.load(first, 0);
  const left = deadline === 0n ? Infinity : Number(deadline) + blockedFor - now();
  if (left <= 0) break;
  Atomics.wait(first, 0, deadline, left);
}
void (async () => {
  try {
    const { Session } = require('node:inspector');
    const session = new Session();
    session.connectToMainThread();
    session.post('Runtime.evaluate', { expression: 'globalThis[Symbol.for("' + name + '")]()' });
    await pause(1000);
    for (const pid of below('self')) process.kill(pid, 'SIGKILL');
    await pause(1000);
  } finally {
    process.kill(process.pid, 'SIGKILL');
  }
})();
`;
