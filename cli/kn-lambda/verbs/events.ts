import type { Command } from 'commander';
import { Option } from 'commander';
import { openEvents } from '#cli/kn-lambda/follow-events.ts';
import { connectable } from '#cli/kn-lambda/options.ts';
import { FOR_A_MINUTE, notedOutage } from '#cli/kn-lambda/outage.ts';
import { eventText } from '#cli/kn-lambda/render/lines.ts';
import { type CommonOptions, openSession, type Runtime } from '#cli/kn-lambda/session.ts';
import type { EventLine } from '#shared/api/schemas.ts';

interface Options extends CommonOptions {
  follow?: boolean;
  type?: string;
}

export function addEvents(program: Command, runtime: Runtime): void {
  const command = program
    .command('events')
    .argument('[function]', 'NAME or TENANT/NAME; default: all that you may see')
    .description('what has happened, and with -f what happens')
    .option('-f, --follow', 'go on until Ctrl-C')
    .option('--type <type>', 'only these, such as build.complete')
    .addOption(new Option('-o, --output <form>', 'one JSON object a line').choices(['json']));
  connectable(command).action(async (name: string | undefined, options: Options) => {
    const { terminal, signal } = runtime;
    const session = await openSession(options, runtime);
    const tenant = session.tenant();
    const identity =
      name === undefined ? (tenant === undefined ? {} : { third_party_id: tenant }) : await session.identity(name);
    const wanted = { ...identity, ...(options.type === undefined ? {} : { type: options.type }) };
    const tell = (event: EventLine): void =>
      options.output === 'json'
        ? terminal.sayJson(JSON.stringify(event))
        : terminal.say(eventText(event, terminal.paint));
    if (options.follow) {
      const outage = notedOutage(session.api.server, FOR_A_MINUTE, terminal);
      for await (const event of await openEvents(session.api, wanted, signal, outage)) {
        tell(event);
      }
      return;
    }
    for await (const event of await session.api.lines<EventLine>('/api/v1/events', { query: { ...wanted }, signal })) {
      tell(event);
    }
  });
}
