/**
 * Leaves the Kubernetes models that we never read or write out of the bundle: 700 of them cost 12 MB of memory in every
 * pod.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

/**
 * The kinds that our adapter speaks of. A model that is missing is no error: its data passes as it is, dates as text.
 */
const ROOTS = ['V1Job', 'V1JobList', 'V1Pod', 'V1PodList', 'V1DeleteOptions', 'V1Status'];

export const kubernetesModels: Plugin = {
  name: 'kubernetes-models',
  setup({ onResolve, onLoad }) {
    let kept: Set<string> | undefined;
    // The package says nothing about it, so that all of its APIs would come along; none of its modules does more than
    // define.
    onResolve({ filter: /^@kubernetes\/client-node$/ }, () => ({
      path: fileURLToPath(import.meta.resolve('@kubernetes/client-node')),
      sideEffects: false,
    }));
    onResolve({ filter: /^\.\.?\/.*\.js$/ }, ({ path, resolveDir }) =>
      resolveDir.includes('/@kubernetes/client-node/')
        ? { path: join(resolveDir, path), sideEffects: false }
        : undefined,
    );
    onLoad({ filter: /client-node\/dist\/gen\/models\/(ObjectSerializer|all)\.js$/ }, ({ path }) => {
      kept ??= reachable(dirname(path));
      const lines = readFileSync(path, 'utf8').split('\n');
      return { contents: lines.filter((line) => isKept(modelOf(line), kept)).join('\n') };
    });
  },
};

/** The model that a line imports, exports again or lists. */
function modelOf(line: string): string | undefined {
  const [, imported, listed] = /models\/(\w+)\.js|^\s+"(\w+)": \w+,$/.exec(line) ?? [];
  return imported ?? listed;
}

function isKept(model: string | undefined, kept: Set<string> | undefined): boolean {
  return model === undefined || model === 'ObjectSerializer' || kept?.has(model) === true;
}

/** Models name the types of their fields, also as `Array<V1Container>`. */
function reachable(models: string): Set<string> {
  const kept = new Set<string>();
  const queue = [...ROOTS];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (kept.has(name)) {
      continue;
    }
    kept.add(name);
    const source = readFileSync(join(models, `${name}.js`), 'utf8');
    for (const [type] of source.matchAll(/(?<="type": ")[^"]+/g)) {
      queue.push(...(type.match(/\bV\d\w+/g) ?? []));
    }
  }
  return kept;
}
