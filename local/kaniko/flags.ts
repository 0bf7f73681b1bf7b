/** Kaniko's command line: the flags that build pods pass, see shared/specs/build-pod/kaniko.ts. */
import { parseArgs } from 'node:util';
import { BuildError } from './build-error.ts';

export interface BuildOptions {
  /** Path of the archive. */
  context: string;
  /** Path within it. */
  dockerfile: string;
  destinations: string[];
  buildArgs: Record<string, string>;
  cache: boolean;
  cacheRepo: string;
  digestFile: string;
}

const one = { type: 'string' } as const;
const many = { type: 'string', multiple: true } as const;
/** About registries, memory and snapshots: taken, and without effect on folders. */
const WITHOUT_EFFECT = {
  'compressed-caching': one,
  'snapshot-mode': one,
  'push-retry': one,
  'image-fs-extract-retry': one,
  'log-format': one,
};

/** Throws BuildError, which names a flag that is not known. */
export function parseFlags(args: readonly string[]): BuildOptions {
  const values = readFlags(args);
  const [, context] = /^tar:\/\/(.+)$/s.exec(values.context ?? '') ?? [];
  if (context === undefined) {
    throw new BuildError(`the embedded platform takes --context=tar://… alone, not "${values.context}"`);
  }
  if (values.destination === undefined) {
    throw new BuildError('you must provide --destination');
  }
  return {
    context,
    dockerfile: values.dockerfile ?? 'Dockerfile',
    destinations: values.destination,
    buildArgs: Object.fromEntries((values['build-arg'] ?? []).map(pair)),
    cache: values.cache === 'true',
    cacheRepo: values['cache-repo'] ?? '',
    digestFile: values['digest-file'] ?? '',
  };
}

function readFlags(args: readonly string[]) {
  const own = { context: one, dockerfile: one, cache: one, 'cache-repo': one, 'digest-file': one };
  const options = { ...own, destination: many, 'build-arg': many, ...WITHOUT_EFFECT };
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new BuildError((error as Error).message);
  }
}

function pair(text: string): [string, string] {
  const [name = '', ...value] = text.split('=');
  return [name, value.join('=')];
}
