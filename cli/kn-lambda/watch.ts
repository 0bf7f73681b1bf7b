/** The loop of `deploy --watch`: a change in the folder is deployed, then called; what fails is told and waited out. */
import { existsSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { MINUTE } from '#shared/durations.ts';
import { subjectOf } from '#shared/events/identity.ts';
import { TEST_EVENT } from '#shared/folder/left-out.ts';
import { printable } from '#shared/printable.ts';
import { callFunction } from './call.ts';
import type { Api } from './client.ts';
import { DeploymentFailed, type DeploymentOptions, deploy } from './deployment.ts';
import { tellFailure, whatGoesOn } from './deployment-trouble.ts';
import { Failure, Interrupted } from './failure.ts';
import { noteAnswer, noteError } from './render/answer.ts';
import { createSteps } from './render/progress.ts';
import { took } from './render/time.ts';
import type { Runtime } from './session.ts';
import { ignoresIn } from './source/ignored.ts';
import type { HashCache } from './source/read-source.ts';

type Watched = Pick<DeploymentOptions, 'folder' | 'identity' | 'parameters' | 'force'> & { data: string | undefined };

/** Editors write a file in several steps; tools write many files at once. */
const QUIET_MS = 60;

/** Ends by Ctrl-C alone. */
export async function watchAndDeploy(api: Api, watched: Watched, runtime: Runtime): Promise<void> {
  const { folder, identity } = watched;
  const { terminal, signal } = runtime;
  const hashes: HashCache = new Map();
  const changes = changesIn(folder, signal);
  const name = subjectOf(identity);
  let asked: string | undefined;
  for (let savedAt = performance.now(); !signal.aborted; ) {
    try {
      asked = undefined;
      const onAsked = (id: string): void => {
        asked = id;
      };
      await deploy(api, { ...watched, signal, hashes, onAsked }, createSteps(terminal));
      await callWithTestEvent(api, watched, runtime);
      terminal.note(terminal.paintNote('dim', `save → answer: ${took(performance.now() - savedAt)}`));
    } catch (error) {
      if (signal.aborted) {
        break;
      }
      await tellTrouble(api, watched, error, runtime);
    }
    terminal.note(terminal.paintNote('dim', `Watching ${folder}. Ctrl-C ends.`));
    asked = undefined;
    const next = await changes();
    if (next === undefined) {
      break;
    }
    savedAt = next;
    terminal.note();
  }
  throw new Interrupted(asked === undefined ? `${name} stays deployed as it is.` : whatGoesOn(name, asked));
}

async function tellTrouble(api: Api, { identity }: Watched, error: unknown, runtime: Runtime): Promise<void> {
  const { terminal } = runtime;
  if (error instanceof DeploymentFailed) {
    await tellFailure(api, identity, error, runtime);
  } else if (error instanceof Failure) {
    terminal.note(`${terminal.paintNote('red', 'error')}: ${printable(error.message)}`);
    terminal.note(error.next === undefined ? '' : `Next: ${printable(error.next)}`);
  } else {
    throw error;
  }
}

async function callWithTestEvent(api: Api, { folder, identity, data }: Watched, runtime: Runtime): Promise<void> {
  const file = join(folder, TEST_EVENT);
  const given = data ?? (existsSync(file) ? readFileSync(file, 'utf8') : undefined);
  if (given === undefined) {
    return;
  }
  const call = { identity, data: given, contentType: 'application/json', patienceMs: MINUTE };
  const answer = await callFunction(api, call, runtime.signal);
  noteAnswer(answer, runtime);
  if (answer.refused) {
    noteError(answer, runtime);
  }
  if (answer.succeeded) {
    runtime.terminal.say(printable(JSON.stringify(answer.result ?? null, undefined, 2)));
  }
}

/**
 * Gives when the last change was made, as soon as it is quiet; those of files that are not uploaded do not count, but
 * for the test event. Undefined at the signal. Changes during a deployment are given at once after it.
 */
function changesIn(folder: string, signal: AbortSignal): () => Promise<number | undefined> {
  const ignores = ignoresIn(folder);
  let changedAt: number | undefined;
  let wake = (): void => {};
  const watcher = watch(folder, { recursive: true, signal }, (_type, path) => {
    const changed = String(path ?? '').replaceAll('\\', '/');
    if (changed === TEST_EVENT || !isIgnored(changed, ignores)) {
      changedAt = performance.now();
      wake();
    }
  });
  watcher.on('error', () => {});
  return async () => {
    while (!signal.aborted) {
      const quiet = changedAt === undefined ? undefined : changedAt + QUIET_MS - performance.now();
      if (quiet !== undefined && quiet <= 0) {
        const at = changedAt;
        changedAt = undefined;
        return at;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
        if (quiet !== undefined) {
          setTimeout(resolve, quiet);
        }
      });
    }
    return undefined;
  };
}

/** A file lies in an ignored folder, or is ignored itself. */
function isIgnored(path: string, ignores: (path: string) => boolean): boolean {
  const parts = path.split('/').filter((part) => part !== '');
  return (
    parts.length === 0 ||
    ignores(parts.join('/')) ||
    parts.some((_, n) => n > 0 && ignores(`${parts.slice(0, n).join('/')}/`))
  );
}
