/** Where the adapters' files are: beside the bundle, or, started from the sources, in dist/. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The folder with one folder a language, made by `npm run build`. It lies beside a bundle's entry; chunks are one
 * folder below.
 */
export function adaptersDirectory(from: string = import.meta.url): string {
  for (const relative of ['./adapters/', '../adapters/', '../../dist/adapters/']) {
    const candidate = fileURLToPath(new URL(relative, from));
    if (existsSync(candidate)) {
      return candidate;
    }
  }
  throw new Error(
    `there is no adapters/ folder beside ${fileURLToPath(from)}: the bundle is incomplete, run \`npm run build\``,
  );
}
