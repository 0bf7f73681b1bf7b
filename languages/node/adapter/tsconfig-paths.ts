/** Imports that only the TypeScript compiler resolves, by `paths` and `baseUrl` of tsconfig.json. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ENDINGS = ['', '.ts', '.mts', '.js', '.mjs', '/index.ts', '/index.js'];

/**
 * Whether tsconfig.json says where `name`, the package of an import, is. Comments may stand in the file, so that it is
 * not parsed as JSON.
 */
export function isOfTsconfig(root: string, name: string): boolean {
  let text: string;
  try {
    text = readFileSync(join(root, 'tsconfig.json'), 'utf8');
  } catch {
    return false;
  }
  const paths = /"paths"\s*:\s*\{([^}]*)\}/.exec(text)?.[1] ?? '';
  const patterns = [...paths.matchAll(/"([^"]+)"\s*:/g)].map(([, pattern = '']) => pattern);
  const base = /"baseUrl"\s*:\s*"([^"]+)"/.exec(text)?.[1];
  return (
    patterns.some((pattern) =>
      // "*" is every import there is.
      pattern.endsWith('*') ? pattern !== '*' && `${name}/`.startsWith(pattern.slice(0, -1)) : name === pattern,
    ) ||
    (base !== undefined && ENDINGS.some((ending) => existsSync(join(root, base, name + ending))))
  );
}
