/** Imports the user's module and finds the function to call: ESM, CommonJS or TypeScript, whatever Node loads. */
import { relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CallContext } from './call-context.ts';
import { findTypeScript } from './find-typescript.ts';
import { placeOfHandler, signatureProblem, takesContext } from './handler-signature.ts';
import { keepPort } from './keep-port.ts';
import type { Settings } from './settings.ts';
import { lineAt, placeOfSyntaxError } from './syntax-error.ts';
import { isOfTsconfig } from './tsconfig-paths.ts';

/** Most handlers take no context, so that none is made for them. */
export type Handler = (event: Record<string, unknown>, context: () => CallContext) => unknown;
type Written = (event: Record<string, unknown>, context?: CallContext) => unknown;

/** Why there is no handler: the place and what is wrong there, in one line, then what to do. */
export class NotLoaded extends Error {
  override readonly name = 'NotLoaded';
  readonly advice: string;

  constructor(message: string, advice: string, cause?: unknown) {
    super(message, { cause });
    this.advice = advice;
  }
}

export const MEND = 'Mend it';

const USUAL_NAMES = ['handler', 'handle', 'parse'];

/** Throws NotLoaded. Its cause is the user's own error; without one the module has loaded, but has no such function. */
export async function loadHandler({ root, file, function: requested }: Settings): Promise<Handler> {
  const module = await importModule(root, file);
  // CommonJS comes as the default export; what TypeScript compiled to it, one level deeper.
  const layers = [module, module['default'], (module['default'] as Record<string, unknown> | undefined)?.['default']];
  const holders = layers.filter(
    (layer) => layer !== null && (typeof layer === 'object' || typeof layer === 'function'),
  );
  for (const name of requested === null ? USUAL_NAMES : [requested]) {
    for (const holder of holders as Record<string, unknown>[]) {
      if (Object.hasOwn(holder, name) && typeof holder[name] === 'function') {
        return called(holder[name] as Written, name, root, file);
      }
    }
  }
  const byDefault = layers.slice(1).find((layer) => typeof layer === 'function');
  if (byDefault !== undefined && (requested === null || requested === 'default')) {
    return called(byDefault as Written, 'handler', root, file);
  }
  const names = [...new Set(holders.flatMap((holder) => Object.keys(holder)))].filter(
    // Node's own names for what a CommonJS module exports.
    (name) => name !== 'module.exports' && name !== '__esModule' && name !== 'default',
  );
  throw new NotLoaded(
    `${file} exports no function ${requested ?? `${USUAL_NAMES.join(', ')} or default`} (it exports ${names.join(', ') || 'nothing'})`,
    'Export one, or name yours in parameters.handler',
  );
}

/** Throws NotLoaded where it is written to be called otherwise. */
function called(handler: Written, name: string, root: string, file: string): Handler {
  const problem = signatureProblem(handler, name);
  if (problem !== undefined) {
    throw new NotLoaded(`${placeOfHandler(handler, root, file)} ${name} ${problem}`, MEND);
  }
  return takesContext(handler) ? (event, context) => handler(event, context()) : (event) => handler(event);
}

async function importModule(root: string, file: string): Promise<Record<string, unknown>> {
  if (/\.[cm]?ts$/.test(file)) {
    findTypeScript(root);
  }
  const letPort = keepPort(process.env['PORT']);
  try {
    return await import(pathToFileURL(`${root}/${file}`).href);
  } catch (error) {
    throw notLoaded(error, root, file);
  } finally {
    letPort();
  }
}

/** Also of what came late, as the rejection of a promise that nobody awaited. */
export function notLoaded(error: unknown, root: string, file: string): NotLoaded {
  const { name } = Object(error) as { name?: string };
  const text = String(Object(error).message ?? error)
    .split('\n')[0]
    ?.replaceAll(`file://${root}/`, '')
    .replaceAll(`${root}/`, '');
  const isSyntax = name === 'SyntaxError';
  const place = placeOf(error, root) ?? (isSyntax ? placeOfSyntaxError(root, file) : undefined);
  const line = isSyntax && place !== undefined ? lineAt(root, place) : undefined;
  const quoted = line === undefined ? '' : `, in \`${line}\``;
  return new NotLoaded(`${place ?? file}: ${name ?? 'Error'}: ${text}${quoted}`, adviceFor(error, root), error);
}

const NOT_FOUND = /Cannot find (?:package|module) '(?![./])([^']+)'/;

function adviceFor(error: unknown, root: string): string {
  const { code, message } = Object(error) as { code?: string; message?: string };
  const [, name] = NOT_FOUND.exec(message ?? '') ?? [];
  if (name !== undefined && isOfTsconfig(root, name)) {
    return 'tsconfig.json says where it is, which Node does not read: import it by its own path (./…), or name it in "imports" of package.json (#…)';
  }
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') {
    return MEND;
  }
  return name !== undefined ? 'Add it to the dependencies in package.json' : 'Upload it, or correct the import';
}

/** The first place of the user's own in the stack, as `parser.js:3`. */
function placeOf(error: unknown, root: string): string | undefined {
  for (const [, path = '', line] of String(Object(error).stack ?? '').matchAll(/(?:file:\/\/)?(\/[^\s():]+):(\d+)/g)) {
    const own = relative(root, path);
    if (!own.startsWith('..') && !own.startsWith('.knative-lambda') && !own.startsWith('node_modules')) {
      return `${own}:${line}`;
    }
  }
  return undefined;
}
