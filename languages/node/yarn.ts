/** Yarn: Classic, and Berry in the version that the project has checked in, names, or wrote its lock file with. */
import { posix } from 'node:path';
import { invalidManifest } from '#languages/invalid-manifest.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import { CACHE, type Commands, managerVersion } from './manager.ts';
import type { PackageJson } from './package-json.ts';

/**
 * Berry can be kept from Plug'n'Play, which needs a loader of its own, by nothing else. It writes what scripts say to
 * files that are lost, unless it is told to print it.
 */
const BERRY =
  'YARN_NODE_LINKER=node-modules YARN_ENABLE_GLOBAL_CACHE=false YARN_ENABLE_TELEMETRY=false YARN_ENABLE_PROGRESS_BARS=false YARN_ENABLE_INLINE_BUILDS=true';
/** From this version of the lock file on it was Yarn 4. */
const YARN_4_LOCK = 7;

export async function yarnClassicCommands(source: SourceReader): Promise<Commands> {
  const [, path] = /^yarn-path\s+"?([^"\s]+)"?/m.exec((await source.text('.yarnrc')) ?? '') ?? [];
  const own = path === undefined ? undefined : ownProgram(source, '.yarnrc', path);
  const yarn = `YARN_CACHE_FOLDER="$PWD/${CACHE}/yarn" ${own ?? 'YARN_IGNORE_PATH=1 npx --yes yarn@1'}`;
  const lock = source.has('yarn.lock') ? '--frozen-lockfile' : '--no-lockfile';
  const install = (which: string) => `${yarn} install ${which} ${lock} --non-interactive`;
  return {
    install: install('--production'),
    installAll: install('--production=false'),
    build: `${yarn} run build`,
    prune: install('--production --ignore-scripts'),
  };
}

/** Throws PermanentError InvalidManifest where `yarnPath` names a file that was not uploaded. */
export async function yarnBerryCommands(
  source: SourceReader,
  manifest: PackageJson,
  lock: string | undefined,
): Promise<Commands> {
  const [, path] = /^yarnPath:\s*["']?([^"'\s]+)/m.exec((await source.text('.yarnrc.yml')) ?? '') ?? [];
  const own = path === undefined ? undefined : ownProgram(source, '.yarnrc.yml', path);
  const named = managerVersion(manifest, 'yarn');
  const written = Number(/^__metadata:\s*\n\s+version:\s*(\d+)/m.exec(lock ?? '')?.[1] ?? YARN_4_LOCK);
  const ofPath = /yarn-(\d+[^/]*)\.c?js$/.exec(path ?? '')?.[1];
  const version = (own && ofPath) ?? named ?? (written >= YARN_4_LOCK ? '4' : '3');
  const yarn = own ?? `npx --yes --package=@yarnpkg/cli-dist@${version} yarn`;
  // Packages that were checked in are used, and need no network.
  const hasOwnCache = source.paths.some((file) => /^\.yarn\/cache\/.*\.zip$/.test(file));
  const cache = hasOwnCache ? '' : ` YARN_CACHE_FOLDER="$PWD/${CACHE}/yarn"`;
  const run = `${BERRY} YARN_GLOBAL_FOLDER="$PWD/${CACHE}/yarn-global"${cache}${own ? '' : ' YARN_IGNORE_PATH=1'} ${yarn}`;
  const canFocus =
    Number(version.split('.')[0]) >= 4 || source.paths.some((file) => /^\.yarn\/plugins\/.*workspace-tools/.test(file));
  // Another version than the one that wrote the lock file would change it, if only its own version in there.
  const isWritten = lock !== undefined && ((own && ofPath) ?? named) !== undefined;
  const all = `${run} install ${isWritten ? '--immutable' : '--no-immutable'}`;
  // Before Yarn 4 it is a plugin's. Without it packages for developers stay.
  const production = canFocus ? `${run} workspaces focus --all --production` : all;
  return { install: production, installAll: all, build: `${run} run build`, prune: canFocus ? production : 'true' };
}

function ownProgram(source: SourceReader, file: string, path: string): string {
  const program = posix.normalize(path);
  if (!source.has(program)) {
    throw invalidManifest(
      file,
      undefined,
      `names ${path} as the Yarn to use, which was not uploaded: upload it, or take the line out`,
    );
  }
  return `node ${JSON.stringify(program)}`;
}
