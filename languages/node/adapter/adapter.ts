/** Runs the user's function as a CloudEvents server: the program of every Node function, bundled into one file. */
import type { Server } from 'node:http';
import { start } from 'faas-js-runtime';
import { MINUTE, SECOND } from '#shared/durations.ts';
import { gatedRequest, installGate } from '#shared/runtime/gate.ts';
import { InFlight } from '#shared/runtime/in-flight.ts';
import { isLoopback, overrideListenAddress } from '#shared/runtime/listen-address.ts';
import { problemAnswer } from '#shared/runtime/problem-answer.ts';
import { callHandler, MAX_EVENT_BYTES } from './call-handler.ts';
import { checkSource } from './check-source.ts';
import { fail, log } from './fail.ts';
import { type Handler, loadHandler, NotLoaded } from './load-handler.ts';
import { endedEarly, loadOnce, neverLoaded } from './load-once.ts';
import { type WatchCall, watchCalls } from './overdue-calls.ts';
import { refuseExit } from './refuse-exit.ts';
import { readSettings } from './settings.ts';

// The kernel ignores SIGTERM for process 1 unless it is handled: a pod that is stopped while it starts would wait for
// its whole grace period.
const stopAtOnce = () => process.exit(0);
process.once('SIGTERM', stopAtOnce);

const settings = readSettings(import.meta.url);
if (process.argv.includes('--check')) {
  process.exit(checkSource(settings, import.meta.filename));
}
if (process.argv.includes('--load')) {
  await loadOnce(settings);
}
/** Knative gives a revision two minutes, of which some pass before the module is loaded. */
const LOADED_WITHIN = 80 * SECOND;
await serve(await load());

async function load(): Promise<Handler> {
  const early = (code: number) => fail(`${endedEarly(settings.file, code)}. Mend it, and send build.start again`);
  process.once('exit', early);
  const late = setTimeout(() => {
    process.off('exit', early);
    fail(`${neverLoaded(settings.file, LOADED_WITHIN)}. Mend it, and send build.start again`);
  }, LOADED_WITHIN).unref();
  try {
    return await loadHandler(settings);
  } catch (error) {
    process.off('exit', early);
    if (error instanceof NotLoaded) {
      fail(`${error.message}. ${error.advice}, and send build.start again`);
    }
    throw error;
  } finally {
    clearTimeout(late);
    process.off('exit', early);
  }
}

async function serve(handler: Handler): Promise<void> {
  const inFlight = new InFlight();
  let draining = false;
  let watchCall: WatchCall | undefined;
  const answer = async (headers: object) => {
    const request = gatedRequest(headers);
    if (request === undefined) {
      return problemAnswer({ status: 503, reason: 'Starting', detail: 'the function is starting: try again' });
    }
    const ended = watchCall?.();
    try {
      return await callHandler(handler, request, process.env);
    } finally {
      ended?.();
    }
  };
  const program = { handle: (context: { headers: object }) => inFlight.track(() => answer(context.headers)) };
  // A func.yaml of the user's in the working folder would override these; beneath a file there is none.
  const options = { port: process.env['PORT'] ?? '8080', logLevel: 'silent', config: process.execPath };
  // The runtime's types know neither half of its options nor that a context has headers.
  const restored = overrideListenAddress(process.env['HOST']);
  const server: Server = await start(program as never, options as never);
  restored();
  installGate(server, { limit: MAX_EVENT_BYTES, draining: () => draining, loopback: isLoopback(process.env['HOST']) });
  const seconds = Number(process.env['FUNCTION_TIMEOUT_SECONDS']);
  if (seconds > 0) {
    watchCall = watchCalls(seconds);
  }

  // The runtime's own listeners drop what is in flight, and turn a crash into exit code 0.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'uncaughtException', 'unhandledRejection']) {
    process.removeAllListeners(signal);
  }
  const exit = refuseExit();
  process.on('uncaughtException', (error) => {
    log('error', 'the function crashed', { stack: String(Object(error).stack ?? error) });
    exit(1);
  });
  const stop = async () => {
    draining = true;
    const closed = new Promise((resolve) => server.close(resolve));
    // No limit of ours: the platform's grace period is the limit.
    while (!(await inFlight.idle(MINUTE))) {}
    // The last answer is still being written; its connection is idle after that, and would be kept open.
    const closing = setInterval(() => server.closeIdleConnections(), 10);
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, SECOND))]);
    clearInterval(closing);
    exit(0);
  };
  process.on('SIGTERM', () => void stop());
  process.on('SIGINT', () => void stop());
}
