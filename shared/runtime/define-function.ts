/** The main program of every `functions/<name>/index.ts`: runs until a signal ends it. */
import type { Logger } from 'pino';
import type * as z from 'zod';
import { ConfigError } from '#shared/settings/parse-config.ts';
import { createLog } from '#shared/telemetry/log.ts';
import { type RunningFunction, startFunction } from './start-function.ts';
import type { EventSchemas, FunctionDefinition } from './types.ts';
import { warmUp } from './warm-up.ts';

/** Resolves when the function listens. Exit code 0 after a drain, 1 after a crash or with a wrong configuration. */
export async function defineFunction<Config extends z.ZodType, const Schemas extends EventSchemas, Deps>(
  definition: FunctionDefinition<Config, Schemas, Deps>,
): Promise<void> {
  if (process.argv.includes('--warm')) {
    await warmUp(definition);
    return;
  }
  const log = createLog({ function: definition.name }, 'info');
  let running: RunningFunction | undefined;
  exitOnCrash(log);
  // First of all: a process with id 1 ignores signals that it has no listener for.
  exitOnSignal(async () => running?.close());
  try {
    running = await startFunction(definition, process.env);
  } catch (error) {
    if (error instanceof ConfigError) {
      log.fatal(
        { problems: error.problems },
        'the configuration is wrong; mend the environment variables and start again',
      );
    } else {
      log.fatal({ err: error }, 'could not start');
    }
    process.exit(1);
  }
}

/** Further signals while draining are ignored. SIGKILL ends the process at once. */
function exitOnSignal(close: () => Promise<void>): void {
  let closing = false;
  const end = () => {
    if (closing) {
      return;
    }
    closing = true;
    close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
    process.on(signal, end);
  }
}

/** After a crash no state can be trusted, so nothing is drained: the Broker sends events in flight to the next pod. */
function exitOnCrash(log: Logger): void {
  process.on('uncaughtException', (error, origin) => {
    log.fatal({ err: error, origin }, 'crashed');
    process.exit(1);
  });
}
