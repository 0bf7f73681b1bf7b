/** `npm run dead-letters -- list | show | replay | purge`. Exit code 1: not everything was done; 2: wrong arguments. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createBroker } from '#shared/clients/broker.ts';
import { createObjectStore } from '#shared/clients/s3.ts';
import { createLetterBox } from '#shared/dead-letters/letter-box.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { printableJson } from '#shared/printable.ts';
import { say, sayError } from '#shared/say.ts';
import { readArguments, USAGE, UsageError } from './arguments.ts';
import { runCommand } from './run-command.ts';
import { findSettings, type LetterSettings } from './settings.ts';

async function main(args: string[]): Promise<number> {
  const { command, json, ...wanted } = readArguments(args);
  if (command.verb === 'help') {
    say(USAGE);
    return 0;
  }
  const settings = await findSettings(wanted, process.env);
  const store = createObjectStore(settings);
  try {
    const { ok, lines, ...output } = await runCommand(command, {
      box: createLetterBox(store, settings.TEMPORARY_BUCKET),
      broker: brokerOf(settings),
      now: () => new Date(),
      sleep: (milliseconds) => sleep(milliseconds),
    });
    say(json ? printableJson(JSON.stringify(output.json, undefined, 2)) : lines.join('\n'));
    return ok ? 0 : 1;
  } finally {
    store.close();
  }
}

/** Only `replay` needs the Broker, so it may be missing until then. */
function brokerOf({ BROKER_URL, ...keys }: LetterSettings) {
  if (BROKER_URL !== undefined) {
    return createBroker({ BROKER_URL, ...keys });
  }
  return { publish: () => Promise.reject(new Error('where is the Broker? Set BROKER_URL')) };
}

/** The Broker's address in the settings is valid inside the cluster only. */
function adviceOn(error: unknown): string {
  return error instanceof RetryableError && error.reason === 'BrokerUnavailable'
    ? '\nFrom outside the cluster: `kubectl port-forward -n NAMESPACE svc/default-broker-ingress 8080:80`, and the same command with BROKER_URL=http://127.0.0.1:8080 before it. Or send the event dead-letter.replay. What was sent until now is noted: the same command goes on from there.'
    : '';
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  sayError(error instanceof UsageError ? `${message}\n\n${USAGE}` : `${message}${adviceOn(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
