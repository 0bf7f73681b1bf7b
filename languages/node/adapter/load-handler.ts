/** Imports the user's module and finds the function to call: ESM, CommonJS or TypeScript, whatever Node loads. */
import { relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fail } from './fail.ts';
import type { Settings } from './settings.ts';

export type Handler = (event: Record<string, unknown>) => unknown;

const USUAL_NAMES = ['handler', 'handle', 'parse'];

/** Ends the process where there is none. */
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
        return holder[name] as Handler;
      }
    }
  }
  const byDefault = layers.slice(1).find((layer) => typeof layer === 'function');
  if (byDefault !== undefined && (requested === null || requested === 'default')) {
    return byDefault as Handler;
  }
  const names = [...new Set(holders.flatMap((holder) => Object.keys(holder)))].filter(
    // Node's own names for what a CommonJS module exports.
    (name) => name !== 'module.exports' && name !== '__esModule' && name !== 'default',
  );
  return fail(
    `${file} exports no function ${requested ?? `${USUAL_NAMES.join(', ')} or default`} (it exports ${names.join(', ') || 'nothing'}). Export one, or name yours in parameters.handler, and send build.start again`,
  );
}

async function importModule(root: string, file: string): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(`${root}/${file}`).href);
  } catch (error) {
    const { code, name } = Object(error) as { code?: string; name?: string };
    const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    const advice = missing ? 'Add it to the dependencies in package.json, or upload it' : 'Mend it';
    const text = String(Object(error).message ?? error).split('\n')[0];
    return fail(`${placeOf(error, root) ?? file}: ${name ?? 'Error'}: ${text}. ${advice}, and send build.start again`);
  }
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
