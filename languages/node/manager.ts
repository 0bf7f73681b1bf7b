/** What the package managers have in common. */
import { invalidManifest } from '#languages/invalid-manifest.ts';
import type { PackageJson } from './package-json.ts';

/** The commands of one manager. */
export interface Commands {
  /** With the packages that the function needs alone. */
  install: string;
  /** With those for developers, which a build needs. */
  installAll: string;
  build: string;
  prune: string;
}

/** Every manager's cache: beside the packages, and removed in the same layer. */
export const CACHE = '.knative-lambda/cache';

/** Of `"packageManager": "pnpm@9.1.0+sha512.…"`. Throws PermanentError InvalidManifest where it is no version. */
export function managerVersion({ packageManager }: PackageJson, manager: string): string | undefined {
  const [, name, version] = /^([^@]+)@([^+]*)/.exec(packageManager ?? '') ?? [];
  if (name !== manager) {
    return undefined;
  }
  if (!/^\d+(\.\d+){0,2}(-[\w.]+)?$/.test(version ?? '')) {
    throw invalidManifest(
      'package.json',
      undefined,
      `has "packageManager": ${JSON.stringify(packageManager)}, which names no version of ${manager}: write it as "${manager}@1.2.3"`,
    );
  }
  return version;
}
