/**
 * At image build, as its last step: the user's module is loaded once, so that what fails there fails the build, in its
 * own words. What may depend on the pod, such as its variables and the addresses that it reaches, is left to the pod.
 */

import { isAbsolute } from 'node:path';
import { isNativeError } from 'node:util/types';
import { SECOND } from '#shared/durations.ts';
import { loadHandler, MEND, NotLoaded, notLoaded } from './load-handler.ts';
import type { Settings } from './settings.ts';

/** Then whoever waits for no network does not load at all. */
const PATIENCE = 30 * SECOND;

/** Ends the process: 0, or 1 with the reason on stderr. */
export async function loadOnce(settings: Settings): Promise<never> {
  process.env['PORT'] ??= '8080';
  const missed = noteMissingVariables(settings.root);
  const end = (failure?: string): never => {
    if (failure !== undefined) {
      process.stderr.write(`${failure}\n`);
    }
    process.removeAllListeners('exit');
    process.exit(failure === undefined ? 0 : 1);
  };
  const judge = (error: NotLoaded) => {
    if (!dependsOnPod(error.cause, missed, settings.root)) {
      // That it is to be mended is said of every build that failed.
      end(error.advice === MEND ? error.message : `${error.message}. ${error.advice}`);
    }
    process.stdout.write(`not loaded here, which may be otherwise in the pod: ${error.message}\n`);
  };
  process.on('uncaughtException', (error) => judge(notLoaded(error, settings.root, settings.file)));
  process.once('exit', (code) => end(endedEarly(settings.file, code)));
  setTimeout(() => end(waitsForNetwork() ? undefined : neverLoaded(settings.file)), PATIENCE).unref();
  try {
    await loadHandler(settings);
  } catch (error) {
    if (!(error instanceof NotLoaded)) {
      throw error;
    }
    judge(error);
  }
  return end();
}

/** Why a process ended that nobody asked to. Node's code 13: nothing is left to wait for. */
export function endedEarly(file: string, code: number): string {
  return code === 13
    ? `${file} never finishes loading: an await at the top level of it, or of what it imports, never settles`
    : `${file} ends the process while it is loaded (process.exit): leave that out, the platform ends it`;
}

export function neverLoaded(file: string, milliseconds = PATIENCE): string {
  return `${file} does not finish loading within ${milliseconds / SECOND} s: something at its top level, or in what it imports, loops or waits`;
}

function waitsForNetwork(): boolean {
  return process.getActiveResourcesInfo().some((name) => /TCP|TLS|GetAddrInfo|DNS|QUERY/i.test(name));
}

/** Node's codes of errors that are the same wherever the module is loaded. */
const OF_THE_CODE = /^ERR_.*(MODULE|PACKAGE|IMPORT|REQUIRE|ESM|TYPESCRIPT|EXTENSION|DLOPEN)|^MODULE_NOT_FOUND$/;

function dependsOnPod(error: unknown, missed: Set<string>, root: string): boolean {
  if (error === undefined) {
    return false;
  }
  const { code = '', name, message, path } = Object(error) as Record<string, string | undefined>;
  const ofTheCode = OF_THE_CODE.test(code) || name === 'SyntaxError' || name === 'ReferenceError';
  if (ofTheCode) {
    // `require('./config/' + process.env.STAGE)`
    return missed.size > 0 && /undefined/.test(message ?? '');
  }
  if (code === 'ENOENT' && path !== undefined) {
    // What was not uploaded is not in the pod either.
    return isAbsolute(path) && !path.startsWith(`${root}/`);
  }
  if (/^port \d+ can't be listened on/.test(message ?? '')) {
    return false;
  }
  // What the engine says is wrong with the code, unless a variable had no value. What a program throws by itself most
  // often tells of a setting or a service that it misses.
  return missed.size > 0 || !(isNativeError(error) && (name === 'TypeError' || name === 'RangeError'));
}

/** Names of variables that the user's own code asks for from now on, and that have no value. */
function noteMissingVariables(root: string): Set<string> {
  const missed = new Set<string>();
  const isOwn = (line: string) => line.includes(root) && !/node_modules|\.knative-lambda/.test(line);
  process.env = new Proxy(process.env, {
    get(variables, name) {
      const value = Reflect.get(variables, name);
      if (value === undefined && typeof name === 'string' && new Error('asked').stack?.split('\n').some(isOwn)) {
        missed.add(name);
      }
      return value;
    },
  });
  return missed;
}
