/** Options that many verbs have. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DAY, HOUR, MINUTE, SECOND } from '#shared/durations.ts';
import { durationSchema } from '#shared/events/dead-letter.ts';

const PLATFORM = 'Which platform:';
const UNITS: Record<string, number> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY };

export function connectable(command: Command): Command {
  const option = (flags: string, description: string): Option => new Option(flags, description).helpGroup(PLATFORM);
  return command
    .addOption(
      option(
        '-t, --tenant <id>',
        'whose functions; or KN_LAMBDA_TENANT. Default: the only one that you speak for; demo on a laptop',
      ),
    )
    .addOption(option('--server <url>', 'the address of the gateway, or "laptop"; or KN_LAMBDA_SERVER'))
    .addOption(
      option('--token <token>', 'who you are; better in KN_LAMBDA_TOKEN, which other users of the machine do not see'),
    )
    .addOption(option('-n, --namespace <name>', 'of the platform, in the cluster of the kubeconfig'))
    .addOption(option('--kubeconfig <file>', 'the cluster; or KUBECONFIG'))
    .addOption(option('--context <name>', 'of the kubeconfig'))
    .addOption(option('--service-account <name>', 'of the cluster, [namespace/]name: ask for its token'));
}

export function shown(command: Command): Command {
  return command.addOption(new Option('-o, --output <form>', 'for programs').choices(['json', 'yaml', 'name']));
}

/** In milliseconds. */
export function duration(text: string): number {
  if (!durationSchema.safeParse(text).success) {
    throw new InvalidArgumentError('It must be a duration such as "90s", "30m", "24h" or "7d".');
  }
  return Number(text.slice(0, -1)) * (UNITS[text.slice(-1)] ?? 0);
}

export function timeLimit(description: string, usual: string): Option {
  return new Option('--timeout <duration>', description).argParser(duration).default(duration(usual), usual);
}

export function count(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) {
    throw new InvalidArgumentError('It must be a whole number from 1 on.');
  }
  return number;
}

export function portNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) {
    throw new InvalidArgumentError('It must be a port: 1 to 65535.');
  }
  return number;
}

/** May be given several times. */
export function several(text: string, before: string[] = []): string[] {
  return [...before, text];
}
