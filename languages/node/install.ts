/** How dependencies are installed: by the manager, and its version, that the project itself uses. */
import { invalidManifest } from '#languages/invalid-manifest.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import { type Choice, chooseManager } from './choose-manager.ts';
import { CACHE, type Commands, managerVersion } from './manager.ts';
import { buildScript, type PackageJson } from './package-json.ts';
import { pnpmCommands } from './pnpm.ts';
import { yarnBerryCommands, yarnClassicCommands } from './yarn.ts';

export interface Install {
  /** What to copy before installing; undefined: everything, since the installation needs the source. */
  manifests: string[] | undefined;
  /** For /bin/sh, in the folder of package.json; fail with 65. */
  install: string;
  /** Of a project that is compiled: that (fails with 66), then what takes away what only this needed (65). */
  build?: string[];
}

const ENVIRONMENT = [
  `npm_config_cache="$PWD/${CACHE}"`,
  'npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false',
].join(' ');

/** Files besides lock and manifest that change what is installed. Each may name others. */
const CONFIGURATION =
  /^(?:pnpm-workspace\.yaml|\.yarnrc(?:\.yml)?|\.pnpmfile\.c?js|pnpmfile\.js|patches\/.*|\.yarn\/.*|.*\.tgz)$/;
/** In a manifest: what does not come from a registry. */
const FROM_SOURCE = /"(?:file|link|portal|patch|workspace):|:\s*"\.{0,2}\/|patchedDependencies/;

/** `buildsItself`: the entry file is made by a script of the project. Undefined where there is nothing to install. */
export async function installOf(
  source: SourceReader,
  manifest: PackageJson,
  buildsItself: boolean,
): Promise<Install | undefined> {
  const { dependencies, optionalDependencies, scripts, workspaces } = manifest;
  const hasInstallScript = ['preinstall', 'install', 'postinstall'].some((script) => script in scripts);
  const needed = Object.keys({ ...dependencies, ...optionalDependencies }).length > 0;
  if (!needed && workspaces === undefined && !hasInstallScript && !buildsItself) {
    return undefined;
  }
  const choice = chooseManager(source, manifest);
  const npmrc = await source.text('.npmrc');
  const needsSource =
    buildsItself ||
    workspaces !== undefined ||
    hasInstallScript ||
    FROM_SOURCE.test((await source.text('package.json')) ?? '') ||
    /=\s*\.{0,2}\//.test(npmrc ?? '') ||
    source.paths.some((path) => CONFIGURATION.test(path));
  const commands = await commandsOf(source, manifest, choice);
  // For developers (git hooks, builds with devDependencies); they fail where those are left out.
  const forDevelopers = ['prepublish', 'preprepare', 'prepare', 'postprepare'].filter((script) => script in scripts);
  const maker = buildsItself ? buildScript(manifest) : undefined;
  const renamed =
    maker === undefined || maker === 'build'
      ? ''
      : `npm pkg set --json "scripts.build=$(npm pkg get scripts.${maker})" && `;
  const unprepared =
    forDevelopers.length === 0
      ? ''
      : `npm pkg delete ${forDevelopers.map((script) => `scripts.${script}`).join(' ')} && `;
  const content = `${CACHE}/_cacache/content-v2`;
  const withKept = (command: string) => `take_downloads npm ${content} && ${command} && add_downloads npm ${content}`;
  const prepared = renamed + unprepared;
  const run = (command: string, exitCode: number) => `export ${ENVIRONMENT} && { ${command}; } || exit ${exitCode}`;
  const forget = ` && rm -rf ${CACHE}`;
  return {
    manifests: needsSource ? undefined : ['package.json', choice.lock ?? '', '.npmrc'].filter(source.has),
    install: run(buildsItself ? prepared + commands.installAll : withKept(prepared + commands.install) + forget, 65),
    // The cache stays until then: after the installation no credentials are there to fetch anything again.
    ...(buildsItself ? { build: [run(commands.build, 66), run(commands.prune + forget, 65)] } : {}),
  };
}

async function commandsOf(source: SourceReader, manifest: PackageJson, { manager, lock }: Choice): Promise<Commands> {
  if (manager === 'pnpm') {
    return await pnpmCommands(source, manifest);
  }
  if (manager === 'yarn') {
    const text = await source.text('yarn.lock');
    // Only Berry writes `__metadata`, and Classic can't read such a file.
    const isBerry =
      text === undefined ? !/^(?:0|1)\b/.test(managerVersion(manifest, 'yarn') ?? '') : /^__metadata:/m.test(text);
    return isBerry ? await yarnBerryCommands(source, manifest, text) : await yarnClassicCommands(source);
  }
  checkNpmLock(lock, lock && (await source.text(lock)));
  const [install, unlocked] = lock === undefined ? ['npm install', ' --no-package-lock'] : ['npm ci', ''];
  return {
    install: `${install} --omit=dev${unlocked}`,
    installAll: `${install} --include=dev${unlocked}`,
    build: 'npm run build',
    prune: `npm prune --omit=dev${unlocked} --ignore-scripts`,
  };
}

/** npm says of such a file only that there is none. */
function checkNpmLock(lock: string | undefined, text: string | undefined): void {
  if (lock === undefined || text === undefined) {
    return;
  }
  try {
    JSON.parse(text);
  } catch (cause) {
    throw invalidManifest(
      lock,
      undefined,
      `is no JSON: ${(cause as Error).message.slice(0, 100)}. Write it anew (\`npm install --package-lock-only\`)`,
      cause,
    );
  }
}
