import { existsSync, readdirSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { anySignal } from '#cli/kn-lambda/any-signal.ts';
import type { Api } from '#cli/kn-lambda/client.ts';
import { DeploymentFailed, type DeploymentOptions, deploy } from '#cli/kn-lambda/deployment.ts';
import { tellFailure, whatGoesOn } from '#cli/kn-lambda/deployment-trouble.ts';
import { EXIT, Exit, Failure, Interrupted, wrongUse } from '#cli/kn-lambda/failure.ts';
import { connectable, shown, timeLimit } from '#cli/kn-lambda/options.ts';
import { show } from '#cli/kn-lambda/render/output.ts';
import { createSteps } from '#cli/kn-lambda/render/progress.ts';
import { took } from '#cli/kn-lambda/render/time.ts';
import { type CommonOptions, looksLikeFunction, openSession, type Runtime } from '#cli/kn-lambda/session.ts';
import { readFunctionFile } from '#cli/kn-lambda/source/function-file.ts';
import { watchAndDeploy } from '#cli/kn-lambda/watch.ts';
import { subjectOf } from '#shared/events/identity.ts';
import { printableCell } from '#shared/printable.ts';

export interface DeployOptions extends CommonOptions {
  name?: string;
  force?: boolean;
  verbose?: boolean;
  watch?: boolean;
  timeout?: number;
  data?: string;
}

const HALF_AN_HOUR = 30 * 60_000;

const AFTER = `
The folder's function.yaml may say its name, tenant and parameters (docs/cli.md). Not uploaded are .git, node_modules,
virtual environments, what tools leave behind, .env, function.yaml, event.json, and what the folder's .gitignore names.
Ctrl-C leaves what has begun: it says what goes on, and how to look.`;

export function addDeploy(program: Command, runtime: Runtime): void {
  const command = program
    .command('deploy')
    .argument('[folder]', 'the function', '.')
    .description('upload what changed, build it, and wait until the new version answers')
    .option('--name <name>', 'of the function. Default: as function.yaml says, else that of the folder')
    .option('--force', 'build even if nothing changed')
    .option('-v, --verbose', "show the build's log as it is written")
    .option('-w, --watch', 'again after every change, and call it with event.json; Ctrl-C ends it')
    .option('-d, --data <json>', 'with --watch: what it is called with')
    .addOption(timeLimit('how long to follow it', '30m'))
    .addHelpText('after', AFTER);
  connectable(shown(command)).action(async (folder: string, options: DeployOptions) => {
    const session = await openSession(options, runtime);
    const place = resolve(runtime.cwd, folder);
    refuseParent(place, folder);
    const file = readFunctionFile(place);
    const named = options.name ?? file.name ?? nameOf(place);
    const tenant = file.tenant !== undefined && options.tenant === undefined ? `${file.tenant}/` : '';
    const identity = await session.identity(named.includes('/') ? named : `${tenant}${named}`);
    runtime.terminal.note(`Deploying ${subjectOf(identity)} to ${session.api.server}`);
    const wanted = { folder: place, identity, parameters: file.parameters, force: options.force ?? false };
    if (options.watch) {
      await watchAndDeploy(session.api, { ...wanted, data: options.data }, runtime);
      return;
    }
    const deployment = await deployOnce(session.api, wanted, options, runtime);
    show(deployment, runtime, options, {
      text: (done) =>
        runtime.terminal.asCalled(
          `${done.function} answers (${took(done.duration_ms)}). Call it: kn-lambda invoke ${fromHere(place, runtime.cwd, done.function)}`,
        ),
      names: (done) => [done.function],
    });
  });
}

/** A folder with nothing but folders of functions: all of them would become one. */
function refuseParent(place: string, folder: string): void {
  const entries = existsSync(place) ? readdirSync(place, { withFileTypes: true }) : [];
  const seen = entries.filter(({ name }) => !name.startsWith('.'));
  const functions = seen.filter((one) => one.isDirectory() && looksLikeFunction(join(place, one.name)));
  const [first] = functions;
  if (first && seen.every((one) => one.isDirectory())) {
    const names = functions.map(({ name }) => name);
    throw wrongUse(
      `${folder} is no function, but has ${names.length === 1 ? 'one' : `${names.length} of them`}: ${names.slice(0, 5).join(', ')}`,
      `Say which: kn-lambda deploy ${join(folder, first.name)}`,
    );
  }
}

/** The tenant goes without saying where it is the default. */
function fromHere(folder: string, cwd: string, name: string): string {
  const below = relative(cwd, folder);
  const short = name.split('/')[1] ?? name;
  return below === short ? short : name;
}

function nameOf(folder: string): string {
  const name = basename(folder);
  if (/^[A-Za-z0-9_-]{1,100}$/.test(name)) {
    return name;
  }
  const better =
    name
      .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
      .replaceAll(/^-+|-+$/g, '')
      .slice(0, 100) || 'my-function';
  throw wrongUse(`the folder's name ${JSON.stringify(name)} cannot be the function's`, `Give it one: --name ${better}`);
}

type Wanted = Pick<DeploymentOptions, 'folder' | 'identity' | 'parameters' | 'force'>;

async function deployOnce(api: Api, wanted: Wanted, options: DeployOptions, runtime: Runtime) {
  const { terminal, signal } = runtime;
  const patience = options.timeout ?? HALF_AN_HOUR;
  const bounded = anySignal([signal], patience);
  const name = subjectOf(wanted.identity);
  let asked: string | undefined;
  try {
    return await deploy(
      api,
      {
        ...wanted,
        signal: bounded,
        onAsked: (correlationId) => {
          asked = correlationId;
        },
        ...(options.verbose
          ? { onLog: (text) => terminal.note(terminal.paintNote('dim', `  ${printableCell(text)}`)) }
          : {}),
      },
      createSteps(terminal),
    );
  } catch (error) {
    if (error instanceof DeploymentFailed) {
      await tellFailure(api, wanted.identity, error, runtime);
      throw new Exit(EXIT.failed);
    }
    if (!bounded.aborted && asked !== undefined && error instanceof Failure && error.cause !== undefined) {
      throw new Failure(`the platform went away while ${name} was deployed: ${error.message}`, {
        next: `${error.next ?? ''} The build goes on when the platform runs: kn-lambda explain build ${name} ${asked}`.trim(),
      });
    }
    if (signal.aborted) {
      throw new Interrupted(whatGoesOn(name, asked));
    }
    if (bounded.aborted) {
      throw new Failure(
        `${name} does not answer after ${took(patience)}; ${asked ? 'its build was asked for' : 'its files are being uploaded'}`,
        {
          next:
            asked === undefined
              ? 'Deploy again: what was sent is not sent again.'
              : `See what it waits for: kn-lambda explain build ${name} ${asked}`,
        },
      );
    }
    throw error;
  }
}
