import type { Command } from 'commander';
import { Option } from 'commander';
import { pause } from '#cli/kn-lambda/client.ts';
import { Failure } from '#cli/kn-lambda/failure.ts';
import { connectable, duration } from '#cli/kn-lambda/options.ts';
import { notedOutage } from '#cli/kn-lambda/outage.ts';
import { logText } from '#cli/kn-lambda/render/lines.ts';
import { type CommonOptions, openSession, pathOf, type Runtime, type Session } from '#cli/kn-lambda/session.ts';
import { buildSchema, type LogLine } from '#shared/api/schemas.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { LogDoubles } from '#shared/log-doubles.ts';

interface Options extends CommonOptions {
  follow?: boolean;
  build?: string | true;
  since?: number;
  call?: string;
}

const AGAIN_MS = 500;
const AGAIN_SOON_MS = 20;

export function addLogs(program: Command, runtime: Runtime): void {
  const command = program
    .command('logs')
    .alias('log')
    .argument('[function]', 'NAME or TENANT/NAME; default: that of this folder')
    .description('what a function, or its build, has written')
    .option('-f, --follow', 'go on until Ctrl-C, through scale to zero and new versions')
    .option('--build [id]', 'of a build, by its id; default: the last one of the function')
    .option('--since <duration>', 'not older than that, such as 10m', duration)
    .option('--call <id>', 'of this call alone')
    .addOption(new Option('-o, --output <form>', 'one JSON object a line').choices(['json']));
  connectable(command).action(async (name: string | undefined, given: Options) => {
    const session = await openSession(given, runtime);
    const { identity, options } = await meant(session, name, given, runtime);
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
        options.build === undefined
          ? 'There is no line. A function that sleeps keeps its logs only as long as the platform does.'
          : 'There is no line: a build for which nothing had to be done writes none, and old logs are deleted.',
      );
    }
  });
}

/** `--build hello` is read as an id; who writes that most often means the function. */
async function meant(
  session: Session,
  name: string | undefined,
  options: Options,
  { signal }: Runtime,
): Promise<{ identity: Identity; options: Options }> {
  const { build } = options;
  const lastBuild = { ...options, build: true as const };
  if (typeof build !== 'string' || (name !== undefined && name !== build)) {
    return { identity: await session.identity(name), options };
  }
  if (name === undefined) {
    const own = await session.identity(undefined).catch(unlessUnknown);
    const path = own && `/api/v1/builds/${pathOf(own)}/${encodeURIComponent(build)}`;
    const found = path && (await session.api.get(path, buildSchema, { signal }).catch(unlessUnknown));
    if (own !== undefined && found !== undefined) {
      return { identity: own, options };
    }
  }
  return { identity: await session.identity(build), options: lastBuild };
}

function unlessUnknown(error: unknown): undefined {
  if (!(error instanceof Failure)) {
    throw error;
  }
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

/** The gateway ends what takes long, and may sleep itself: then it goes on where it was, without doubles. */
async function follow(
  { api }: Session,
  path: string,
  options: Options,
  { signal, terminal }: Runtime,
  tell: (line: LogLine) => void,
): Promise<void> {
  const outage = notedOutage(api.server, 'until Ctrl-C (exit code 130)', terminal);
  const doubles = new LogDoubles();
  const first = sinceOf(options);
  let wasOpen = false;
  while (!signal.aborted) {
    try {
      const query = { call: options.call, since: doubles.begin(first), follow: 1 };
      const lines = await api.lines<LogLine>(path, { query, signal });
      wasOpen = true;
      outage.works();
      for await (const line of lines) {
        if (doubles.isNew(line)) {
          tell(line);
        }
      }
      // It was ended in order: who comes again at once misses no pod that goes meanwhile.
      await pause(AGAIN_SOON_MS, signal).catch(() => {});
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (!wasOpen) {
        throw error;
      }
      outage.failed(error);
      await pause(AGAIN_MS, signal).catch(() => {});
    }
  }
}
