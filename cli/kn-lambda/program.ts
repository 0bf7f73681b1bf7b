/** All verbs of `kn-lambda`. docs/cli.md is made of their help. */
import { Command } from 'commander';
import type { Runtime } from './session.ts';
import { addCompletion } from './verbs/completion.ts';
import { addDeadLetters } from './verbs/dead-letters.ts';
import { addDelete } from './verbs/delete.ts';
import { addDeploy } from './verbs/deploy.ts';
import { addDescribe } from './verbs/describe.ts';
import { addDoctor } from './verbs/doctor.ts';
import { addEvents } from './verbs/events.ts';
import { addExplain } from './verbs/explain.ts';
import { addInit } from './verbs/init.ts';
import { addInvoke } from './verbs/invoke.ts';
import { addList } from './verbs/list.ts';
import { addLogin } from './verbs/login.ts';
import { addLogs } from './verbs/logs.ts';
import { addOpen } from './verbs/open.ts';
import { addEnv, addSecrets } from './verbs/settings.ts';
import { addVersion } from './verbs/version.ts';
import { addVersions } from './verbs/versions.ts';

const WIDEST = 120;

const AFTER = `
Against the platform of make run nothing has to be configured. A cluster is named by KUBECONFIG (or --kubeconfig,
--context, --namespace), or by --server with a token; kn-lambda login keeps both.

Exit codes: 0 done; 1 it failed, or what was asked about is wrong; 2 wrong use; 130 interrupted. doctor has its own.

Environment: KN_LAMBDA_SERVER, KN_LAMBDA_TOKEN, KN_LAMBDA_TENANT, KUBECONFIG, NO_COLOR, FORCE_COLOR.
It is a plugin, too: kn lambda … and, by the name kubectl-lambda, kubectl lambda …`;

export function createProgram(runtime: Runtime, version: string): Command {
  const program = new Command('kn-lambda')
    .description('Functions as a service on Knative: deploy a folder, see it live, know why.')
    .usage('<verb> [options]')
    .version(version, '-V, --version', 'the version of the command')
    .helpOption('-h, --help', 'this; after a verb: what it takes')
    .helpCommand(false)
    .addHelpText('after', AFTER)
    .configureHelp({ helpWidth: Math.min(WIDEST, runtime.terminal.out.columns ?? WIDEST) })
    .configureOutput({
      writeOut: (text) => runtime.terminal.say(text.trimEnd()),
      writeErr: (text) => runtime.terminal.note(text.trimEnd()),
    })
    .showHelpAfterError('kn-lambda --help shows every verb; after a verb, --help shows what it takes.')
    .exitOverride();
  program.commandsGroup('Make and change:');
  addInit(program, runtime);
  addDeploy(program, runtime);
  addDelete(program, runtime);
  program.commandsGroup('Call and watch:');
  addInvoke(program, runtime);
  addLogs(program, runtime);
  addEvents(program, runtime);
  addOpen(program, runtime);
  program.commandsGroup('Look and understand:');
  addList(program, runtime);
  addDescribe(program, runtime);
  addVersions(program, runtime);
  addEnv(program, runtime);
  addSecrets(program, runtime);
  addExplain(program, runtime);
  addDeadLetters(program, runtime);
  addDoctor(program, runtime);
  program.commandsGroup('The command itself:');
  addLogin(program, runtime);
  addCompletion(program, runtime);
  addVersion(program, runtime, version);
  return program;
}
