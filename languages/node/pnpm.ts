/** pnpm: the version that wrote the lock file, and the scripts of dependencies, which it leaves out from 10 on. */
import { invalidManifest } from '#languages/invalid-manifest.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import { CACHE, type Commands, managerVersion } from './manager.ts';
import type { PackageJson } from './package-json.ts';

/** By the first number of lockfileVersion: the last pnpm that writes it. */
const BY_LOCK: Record<string, string> = { '5': '7', '6': '8', '7': '9', '9': '10' };
const NEWEST = '10';
/** Whoever has one of these has decided which scripts run. */
const DECIDED =
  /\b(onlyBuiltDependencies(File)?|neverBuiltDependencies|ignoredBuiltDependencies|allowBuilds|dangerouslyAllowAllBuilds|strictDepBuilds)\b/;

/** Throws PermanentError InvalidManifest where no pnpm reads the lock file. */
export async function pnpmCommands(source: SourceReader, manifest: PackageJson): Promise<Commands> {
  const version = managerVersion(manifest, 'pnpm') ?? versionByLock((await source.text('pnpm-lock.yaml')) ?? '');
  const settings = `${await source.text('package.json')} ${await source.text('pnpm-workspace.yaml')} ${await source.text('.npmrc')}`;
  // As npm and Yarn do: without its script many a package fails only when it is used.
  const scripts =
    Number(version.split('.')[0]) >= 10 && !DECIDED.test(settings) ? ' --dangerously-allow-all-builds' : '';
  const pnpm = `npx --yes pnpm@${version}`;
  const frozen = source.has('pnpm-lock.yaml') ? '--frozen-lockfile' : '--no-frozen-lockfile';
  const install = (which: string) =>
    `CI=true ${pnpm} install ${which} ${frozen} --package-import-method=copy --store-dir="$PWD/${CACHE}/store"${scripts}`;
  return {
    install: install('--prod'),
    installAll: install('--prod=false'),
    build: `${pnpm} run build`,
    prune: `CI=true ${pnpm} prune --prod --ignore-scripts --config.store-dir="$PWD/${CACHE}/store"`,
  };
}

function versionByLock(lock: string): string {
  const written = /^lockfileVersion:\s*['"]?([\d.]+)/m.exec(lock)?.[1];
  const version = written === undefined ? NEWEST : BY_LOCK[written.split('.')[0] ?? ''];
  if (version === undefined) {
    throw invalidManifest(
      'pnpm-lock.yaml',
      undefined,
      `has lockfileVersion ${written}, which none of pnpm 7 to 10 reads: write it anew by \`pnpm install\` of one of them, or name yours in "packageManager" of package.json`,
    );
  }
  return version;
}
