/** The adapters as a bundle has them, made once for each content. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleAdapters } from '#bundle/main.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Kept between runs: what takes seconds to make and is the same each time. */
export const cache = join(root, 'node_modules', '.cache', 'knative-lambda');

/** Several test files want them at once: whoever is first renames a finished folder into place. */
async function bundled(): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of ['languages', 'shared/runtime', 'shared/events', 'shared/telemetry']) {
    const files = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
    for (const file of files
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()) {
      hash.update(file).update(readFileSync(file));
    }
  }
  hash.update(readFileSync(join(root, 'bundle/main.ts')));
  const finished = join(cache, `adapters-${hash.digest('hex').slice(0, 16)}`);
  if (!existsSync(finished)) {
    mkdirSync(cache, { recursive: true });
    const folder = mkdtempSync(join(cache, 'adapters-new-'));
    await bundleAdapters(folder);
    try {
      renameSync(folder, finished);
    } catch {
      rmSync(folder, { recursive: true });
    }
  }
  return finished;
}

export const adapters = await bundled();
