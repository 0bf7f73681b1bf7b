import type { Command } from 'commander';
import { Option } from 'commander';
import { connectable, count, shown } from '#cli/kn-lambda/options.ts';
import { show } from '#cli/kn-lambda/render/output.ts';
import { functionsTable } from '#cli/kn-lambda/render/state.ts';
import { type CommonOptions, openSession, type Runtime } from '#cli/kn-lambda/session.ts';
import { functionSchema } from '#shared/api/schemas.ts';

interface Options extends CommonOptions {
  search?: string;
  state?: string;
  max?: number;
}

export function addList(program: Command, runtime: Runtime): void {
  const command = program
    .command('list')
    .alias('ls')
    .description('functions, with their state, calls of the last hour, and last build')
    .option('--search <text>', 'in their names')
    .addOption(
      new Option('--state <state>', 'only these').choices(['building', 'ready', 'starting', 'failed', 'deleting']),
    )
    .option('--max <n>', 'no more than these', count, 1000);
  connectable(shown(command)).action(async (options: Options) => {
    const session = await openSession(options, runtime);
    const functions = await session.api.list('/api/v1/functions', functionSchema, {
      query: { third_party_id: session.tenant(), search: options.search, state: options.state },
      most: options.max ?? 1000,
      signal: runtime.signal,
    });
    if (functions.length === 0 && options.output === undefined) {
      runtime.terminal.note(
        options.search === undefined && options.state === undefined
          ? 'There is no function yet. Make one: kn-lambda init hello && kn-lambda deploy hello'
          : 'No function is like that: kn-lambda list shows all',
      );
      return;
    }
    show(functions, runtime, options, {
      text: (all) => functionsTable(all, runtime.terminal),
      names: (all) => all.map(({ third_party_id, parser_id }) => `${third_party_id}/${parser_id}`),
    });
  });
}
