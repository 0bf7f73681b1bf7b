/** Where the adapters' files are: beside the bundle, or beside this file in development and tests. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The folder with `python/`, `node/` and `go/`. A bundle (its entry, or a chunk one folder below) has `adapters/` beside it, with the Node adapter as one
 * file; from the sources it is shared/build/adapters, where the Node adapter must be bundled before use.
 */
export function adaptersDirectory(from: string = import.meta.url): string {
  for (const relative of ['./adapters/', '../adapters/']) {
    const candidate = fileURLToPath(new URL(relative, from));
    if (existsSync(candidate)) {
      return candidate;
    }
  }
  throw new Error(
    `there is no adapters/ folder beside ${fileURLToPath(from)}: the bundle is incomplete, run \`npm run build\``,
  );
}
