import type { Command } from 'commander';
import { Option } from 'commander';
import { pause } from '#cli/kn-lambda/client.ts';
import { Failure } from '#cli/kn-lambda/failure.ts';
import { connectable, duration } from '#cli/kn-lambda/options.ts';
import { logText } from '#cli/kn-lambda/render/lines.ts';
import { type CommonOptions, openSession, pathOf, type Runtime, type Session } from '#cli/kn-lambda/session.ts';
import { buildSchema, type LogLine } from '#shared/api/schemas.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';

interface Options extends CommonOptions {
  follow?: boolean;
  build?: string | true;
  since?: number;
  call?: string;
}

const AGAIN_MS = 1000;
/** Lines that are remembered, to leave out doubles after a reconnection. */
const REMEMBERED = 2000;

export function addLogs(program: Command, runtime: Runtime): void {
  const command = program
    .command('logs')
    .alias('log')
    .argument('[function]', 'NAME or TENANT/NAME; default: that of this folder')
    .description('what a function, or its build, has written')
    .option('-f, --follow', 'go on until Ctrl-C, through scale to zero and new versions')
    .option('--build [id]', 'of a build, by its id; default: the last one')
    .option('--since <duration>', 'not older than that, such as 10m', duration)
    .option('--call <id>', 'of this call alone')
    .addOption(new Option('-o, --output <form>', 'one JSON object a line').choices(['json']));
  connectable(command).action(async (name: string | undefined, options: Options) => {
    const session = await openSession(options, runtime);
    const identity = await session.identity(name);
    const tell = teller(options, runtime);
    const path = await pathFor(session, identity, options, runtime);
    if (options.follow && options.build === undefined) {
      await follow(session, path, options, runtime, tell);
      return;
    }
    const query = { call: options.call, since: sinceOf(options), follow: options.follow ? 1 : undefined };
    let told = 0;
    for await (const line of await session.api.lines<LogLine>(path, { query, signal: runtime.signal })) {
      tell(line);
      told += 1;
    }
    if (told === 0 && options.output === undefined) {
      runtime.terminal.note(
        'There is no line. A function that sleeps keeps its logs only as long as the platform does.',
      );
    }
  });
}

function teller({ output, build }: Options, { terminal }: Runtime): (line: LogLine) => void {
  return (line) =>
    output === 'json'
      ? terminal.sayJson(JSON.stringify(line))
      : terminal.say(logText(line, terminal.paint, build === undefined));
}

async function pathFor(session: Session, identity: Identity, { build }: Options, { signal }: Runtime): Promise<string> {
  if (build === undefined) {
    return `/api/v1/functions/${pathOf(identity)}/logs`;
  }
  if (build !== true) {
    return `/api/v1/builds/${pathOf(identity)}/${encodeURIComponent(build)}/log`;
  }
  const [last] = await session.api.list('/api/v1/builds', buildSchema, { query: { ...identity }, most: 1, signal });
  if (last === undefined) {
    throw new Failure(`${subjectOf(identity)} has no build that is still known`, {
      next: `Deploy it: kn-lambda deploy ${identity.parser_id}`,
    });
  }
  return `/api/v1/builds/${pathOf(identity)}/${encodeURIComponent(last.correlation_id)}/log`;
}

function sinceOf({ since }: Options): string | undefined {
  return since === undefined ? undefined : new Date(Date.now() - since).toISOString();
}

/** The gateway ends what takes long, and may sleep itself: then it goes on from the last line, without doubles. */
async function follow(
  { api }: Session,
  path: string,
  options: Options,
  { signal }: Runtime,
  tell: (line: LogLine) => void,
): Promise<void> {
  const told = new Doubles();
  let since = sinceOf(options);
  let wasOpen = false;
  while (!signal.aborted) {
    try {
      const query = { call: options.call, since, follow: 1 };
      const lines = await api.lines<LogLine>(path, { query, signal });
      wasOpen = true;
      told.begin();
      for await (const line of lines) {
        since = line.time;
        if (told.isNew(line)) {
          tell(line);
        }
      }
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (!wasOpen) {
        throw error;
      }
    }
    await pause(AGAIN_MS, signal).catch(() => {});
  }
}

/**
 * A connection begins with lines that the one before has told. The same line may be written twice in a moment, so it is
 * counted in each connection.
 */
class Doubles {
  readonly #told = new Map<string, number>();
  #now = new Map<string, number>();

  begin(): void {
    this.#now = new Map();
  }

  isNew({ time, pod, text }: LogLine): boolean {
    const key = `${time} ${pod} ${text}`;
    const count = (this.#now.get(key) ?? 0) + 1;
    this.#now.set(key, count);
    if (count <= (this.#told.get(key) ?? 0)) {
      return false;
    }
    this.#told.set(key, count);
    for (const map of [this.#told, this.#now]) {
      if (map.size > REMEMBERED) {
        map.delete(map.keys().next().value ?? '');
      }
    }
    return true;
  }
}
