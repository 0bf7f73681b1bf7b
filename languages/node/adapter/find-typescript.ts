/**
 * Imports as TypeScript writes them: './greet.js' means greet.ts before it is compiled, and './greet' is allowed as
 * well. Node itself takes the file's own name alone.
 */
import { existsSync, statSync } from 'node:fs';
import * as module from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const COMPILED = /\.([cm]?)js$/;
const TYPESCRIPT = ['.ts', '.mts', '.cts', '/index.ts', '/index.mts', '/index.cts'];
const COMMONJS = ['.js', '.mjs', '.cjs', '/index.js', '/index.mjs', '/index.cjs', '.json'];

/** For the imports of files below `root` that are not in a package. */
export function findTypeScript(root: string): void {
  module.registerHooks({
    resolve(specifier, context, next) {
      const parent = context.parentURL ?? '';
      const isOwn = parent.startsWith(pathToFileURL(`${root}/`).href) && !parent.includes('/node_modules/');
      const url = isOwn && /^\.{0,2}\//.test(specifier) ? URL.parse(specifier, parent) : null;
      const found = url === null ? undefined : fileFor(fileURLToPath(url));
      if (found === undefined) {
        return next(specifier, context);
      }
      // `require` takes no URLs.
      return next(context.conditions?.includes('require') ? found : pathToFileURL(found).href, context);
    },
  });
}

/** Undefined where the name is that of a file already, or of nothing. */
function fileFor(path: string): string | undefined {
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) {
    return undefined;
  }
  const candidates = [
    ...(COMPILED.test(path) ? [path.replace(COMPILED, '.$1ts')] : []),
    ...[...TYPESCRIPT, ...COMMONJS].map((ending) => path + ending),
  ];
  return candidates.find((candidate) => existsSync(candidate));
}
