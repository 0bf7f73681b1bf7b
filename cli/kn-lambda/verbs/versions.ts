import type { Command } from 'commander';
import { connectable, shown } from '#cli/kn-lambda/options.ts';
import { show } from '#cli/kn-lambda/render/output.ts';
import { versionsTable } from '#cli/kn-lambda/render/state.ts';
import { type CommonOptions, openSession, pathOf, type Runtime } from '#cli/kn-lambda/session.ts';
import { versionSchema } from '#shared/api/schemas.ts';

export function addVersions(program: Command, runtime: Runtime): void {
  const command = program
    .command('versions')
    .argument('[function]', 'NAME or TENANT/NAME; default: that of this folder')
    .description('its versions, the newest first');
  connectable(shown(command)).action(async (name: string | undefined, options: CommonOptions) => {
    const session = await openSession(options, runtime);
    const path = `/api/v1/functions/${pathOf(await session.identity(name))}/versions`;
    const versions = await session.api.list(path, versionSchema, { signal: runtime.signal });
    show(versions, runtime, options, {
      text: (all) => versionsTable(all, runtime.terminal),
      names: (all) => all.map(({ revision }) => revision),
    });
  });
}
