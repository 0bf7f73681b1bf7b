/** `make run`: the whole platform on this machine, the main job once through, then whatever you send, until Ctrl-C. */
import { resolve } from 'node:path';
import { asDiskError } from './disk/disk-error.ts';
import { type Platform, startPlatform } from './platform.ts';
import { type RunEnvironment, runEnvironment } from './run/environment.ts';
import { EventJournal } from './run/event-journal.ts';
import { eventLine } from './run/event-line.ts';
import { endOnFatal } from './run/fatal.ts';
import { interruption } from './run/interruption.ts';
import { type MainJobResult, runMainJob } from './run/main-job.ts';
import { printAddresses, printNextSteps } from './run/print-addresses.ts';
import { createTerminal } from './run/terminal.ts';

const EXAMPLE = resolve(import.meta.dirname, '../examples/node');

const terminal = createTerminal(process.stdout, process.env);
const { line, paint } = terminal;
const began = performance.now();
const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

/** The exit code. */
async function run(): Promise<number> {
  const interrupted = interruption();
  const environment = runEnvironment(process.env);
  const journal = new EventJournal();
  journal.listen((entry) => {
    const text = eventLine(entry, journal.elapsed(entry), paint);
    if (text !== undefined) {
      line(text);
    }
  });
  const starting = start(environment, journal);
  endOnFatal(
    (text) => line(paint('red', text)),
    () => starting.then((platform) => platform.close()),
  );
  // Asked to end while starting: what has started must be ended as well, so wait for it.
  const first = await Promise.race([starting, interrupted]);
  const platform = await starting;
  try {
    if (typeof first === 'string') {
      return 0;
    }
    return await work(platform, environment, journal, interrupted);
  } finally {
    line(paint('dim', 'ending…'));
    await platform.close();
  }
}

function start(environment: RunEnvironment, journal: EventJournal): Promise<Platform> {
  line(paint('dim', 'starting…'));
  return startPlatform({
    directory: environment.LOCAL_DIRECTORY,
    brokerPort: environment.BROKER_PORT,
    s3Port: environment.S3_PORT,
    registryPort: environment.REGISTRY_PORT,
    kubernetesPort: environment.KUBERNETES_PORT,
    gatewayPort: environment.GATEWAY_PORT,
    onEvent: journal.record,
    log: (text) => line(paint('dim', `${seconds(performance.now() - began).padStart(7)}  ${text}`)),
  });
}

async function work(
  platform: Platform,
  environment: RunEnvironment,
  journal: EventJournal,
  interrupted: Promise<NodeJS.Signals>,
): Promise<number> {
  line();
  printAddresses(platform, terminal);
  const job = runMainJob(platform, journal, terminal, EXAMPLE).catch((error: unknown) => {
    line();
    line(paint('red', `failed: ${messageOf(error)}`));
    return undefined;
  });
  const result = await Promise.race([job, interrupted]);
  if (typeof result === 'string') {
    return 0;
  }
  if (result) {
    printSummary(result);
  }
  if (environment.ONCE) {
    return result ? 0 : 1;
  }
  // It stays also where the main job failed: there is something to look at.
  printNextSteps(platform, result?.serviceName, terminal);
  await interrupted;
  return result ? 0 : 1;
}

function printSummary({ built, answered }: MainJobResult): void {
  line();
  const total = seconds(performance.now() - began);
  line(
    paint('green', `built in ${seconds(built)}, answered in ${seconds(answered)}; ${total} from the start of make run`),
  );
  line();
}

function messageOf(cause: unknown): string {
  const error = asDiskError(cause);
  return error instanceof Error ? error.message : String(error);
}

try {
  process.exitCode = await run();
} catch (error) {
  line(paint('red', messageOf(error)));
  process.exitCode = 1;
}
