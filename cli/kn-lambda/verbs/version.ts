import type { Command } from 'commander';
import { Failure } from '#cli/kn-lambda/failure.ts';
import { connectable, shown } from '#cli/kn-lambda/options.ts';
import { show } from '#cli/kn-lambda/render/output.ts';
import { pairs } from '#cli/kn-lambda/render/table.ts';
import { type CommonOptions, openSession, type Runtime } from '#cli/kn-lambda/session.ts';

export function addVersion(program: Command, runtime: Runtime, version: string): void {
  const command = program
    .command('version')
    .description('of the command, and of the platform, if it answers')
    .option('--client', 'of the command alone');
  connectable(shown(command)).action(async (options: CommonOptions & { client?: boolean }) => {
    const platform = options.client ? undefined : await platformOf(options, runtime);
    const told = { command: version, ...platform };
    show(told, runtime, options, {
      text: () =>
        pairs([
          ['kn-lambda', version],
          ['Platform', platform && `${platform.platform_version} (${platform.platform}, ${platform.server})`],
          ['You are', platform?.principal],
        ]),
      names: () => [version],
    });
  });
}

async function platformOf(options: CommonOptions, runtime: Runtime) {
  try {
    const session = await openSession(options, runtime);
    const { version, platform, principal } = await session.me();
    return { platform_version: version, platform, server: session.api.server, principal };
  } catch (error) {
    if (error instanceof Failure) {
      runtime.terminal.note(error.message);
      return undefined;
    }
    throw error;
  }
}
