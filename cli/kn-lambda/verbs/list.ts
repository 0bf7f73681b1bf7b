import type { Command } from 'commander';
import { Option } from 'commander';
import { connectable, count, shown } from '#cli/kn-lambda/options.ts';
import { show } from '#cli/kn-lambda/render/output.ts';
import { functionsTable } from '#cli/kn-lambda/render/state.ts';
import { type CommonOptions, openSession, type Runtime } from '#cli/kn-lambda/session.ts';
import { buildSchema, functionSchema } from '#shared/api/schemas.ts';

interface Options extends CommonOptions {
  search?: string;
  state?: string;
  max?: number;
}

/** The list of functions tells of a build while it runs. Those that have ended are looked up, as far back as this. */
const MOST_BUILDS = 200;

export function addList(program: Command, runtime: Runtime): void {
  const command = program
    .command('list')
    .alias('ls')
    .description('functions, with their state and last build')
    .option('--search <text>', 'in their names')
    .addOption(
      new Option('--state <state>', 'only these').choices(['building', 'ready', 'starting', 'failed', 'deleting']),
    )
    .option('--max <n>', 'no more than these', count, 1000);
  connectable(shown(command)).action(async (options: Options) => {
    const session = await openSession(options, runtime);
    const { signal } = runtime;
    const third_party_id = session.tenant();
    const [listed, builds] = await Promise.all([
      session.api.list('/api/v1/functions', functionSchema, {
        query: { third_party_id, search: options.search, state: options.state },
        most: options.max ?? 1000,
        signal,
      }),
      session.api.list('/api/v1/builds', buildSchema, { query: { third_party_id }, most: MOST_BUILDS, signal }),
    ]);
    const idOf = (one: { third_party_id: string; parser_id: string }) => `${one.third_party_id}/${one.parser_id}`;
    const newest = new Map(builds.toReversed().map((build) => [idOf(build), build]));
    const functions = listed.map((one) => ({ ...one, last_build: one.last_build ?? newest.get(idOf(one)) }));
    if (functions.length === 0 && options.output === undefined) {
      runtime.terminal.note('There is no function yet. Make one: kn-lambda init hello && kn-lambda deploy hello');
      return;
    }
    show(functions, runtime, options, {
      text: (all) => functionsTable(all, runtime.terminal),
      names: (all) => all.map(idOf),
    });
  });
}
