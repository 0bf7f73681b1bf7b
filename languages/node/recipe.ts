/** Node: dependencies by the lock file that is there, then the code; run as it is, TypeScript too. */
import { findHandler } from '#languages/find-handler.ts';
import { adapterFile, dockerfile, generated, isLitter, ROOT, USER } from '#languages/generated-files.ts';
import type { Recipe, RecipeInput } from '#languages/language.ts';
import { INSTALL_SCRIPT, installScript, installStep, laterStep } from '#languages/private-dependencies.ts';
import { nodeEntryFiles, nodeModules } from './entry-files.ts';
import { nodeNames } from './exported-names.ts';
import { type PackageJson, parsePackageJson } from './package-json.ts';

export const nodeRecipe: Recipe = async ({ source, request, settings }) => {
  const manifest = await manifestOf(source);
  const handler = await findHandler(source, {
    language: 'node',
    modules: nodeModules,
    requested: request.handler,
    candidates: await nodeEntryFiles(source, request.handler),
    usualNames: ['handler', 'handle', 'parse', 'default'],
    namesOf: nodeNames,
    example: '`export function handler(event) { … }` to parser.js (or `exports.handler = …`)',
    usualFiles: 'parser, index or handler with .js, .mjs, .cjs or .ts, nor a "main" in package.json that exists',
  });
  const install = manifest === undefined ? undefined : await installOf(source, manifest);
  return {
    files: [
      ...dockerfile(dockerfileLines(settings.baseImages.node, install)),
      generated('function.json', JSON.stringify({ file: handler.file, function: handler.name ?? null })),
      await adapterFile(settings.adapters, 'node', 'adapter.mjs'),
      installScript(),
    ],
    // Installed packages belong to the machine they were installed on. Without a package.json they are all there is, so
    // they stay.
    excludes: (path) => isLitter(path) || (install !== undefined && /(?:^|\/)node_modules\//.test(path)),
  };
};

async function manifestOf(source: RecipeInput['source']): Promise<PackageJson | undefined> {
  const text = await source.text('package.json');
  return text === undefined ? undefined : parsePackageJson(text);
}

interface Install {
  /** What to copy before installing; undefined: everything, since the installation needs the source. */
  manifests: string[] | undefined;
  /** Relative: it runs in the folder of package.json. */
  command: string;
}

/** Every manager's cache: beside the packages, and removed in the same layer. */
const CACHE = '.knative-lambda/cache';

/** Of all managers. Berry can be kept from Plug'n'Play, which needs a loader of its own, by nothing else. */
const ENVIRONMENT = [
  `npm_config_cache="$PWD/${CACHE}"`,
  'npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false',
  `npm_config_store_dir="$PWD/${CACHE}/store"`,
  `YARN_CACHE_FOLDER="$PWD/${CACHE}/yarn" YARN_GLOBAL_FOLDER="$PWD/${CACHE}/yarn-global"`,
  'YARN_NODE_LINKER=node-modules YARN_ENABLE_GLOBAL_CACHE=false YARN_ENABLE_TELEMETRY=false',
].join(' ');

async function installOf(source: RecipeInput['source'], manifest: PackageJson): Promise<Install | undefined> {
  const lock = ['package-lock.json', 'npm-shrinkwrap.json', 'pnpm-lock.yaml', 'yarn.lock'].find(source.has);
  const dependencies = { ...manifest.dependencies, ...manifest.optionalDependencies };
  const hasInstallScript = ['preinstall', 'install', 'postinstall'].some((script) => script in manifest.scripts);
  if (Object.keys(dependencies).length === 0 && manifest.workspaces === undefined && !hasInstallScript) {
    return undefined;
  }
  const needsSource =
    manifest.workspaces !== undefined ||
    hasInstallScript ||
    Object.values(dependencies).some((version) => /^(?:file|link|portal|patch|workspace):|^\.{0,2}\//.test(version)) ||
    ['pnpm-workspace.yaml', '.yarnrc.yml', '.pnpmfile.cjs'].some(source.has);
  const files = ['package.json', ...(lock === undefined ? [] : [lock]), ...['.npmrc'].filter(source.has)];
  // `prepare` is for developers (git hooks, builds with devDependencies) and fails where those are left out.
  const unprepared = 'prepare' in manifest.scripts ? 'npm pkg delete scripts.prepare && ' : '';
  return {
    manifests: needsSource ? undefined : files,
    command: installStep(
      `export ${ENVIRONMENT} && { ${unprepared}${await installCommand(source, lock)} && rm -rf ${CACHE}; } || exit 65`,
    ),
  };
}

async function installCommand(source: RecipeInput['source'], lock: string | undefined): Promise<string> {
  switch (lock) {
    case 'package-lock.json':
    case 'npm-shrinkwrap.json':
      return 'npm ci --omit=dev';
    case 'pnpm-lock.yaml':
      return 'npx --yes pnpm@10 install --prod --frozen-lockfile --package-import-method=copy';
    case 'yarn.lock':
      // Only Berry writes `__metadata`, and Classic can't read such a file.
      return /^__metadata:/m.test((await source.text('yarn.lock')) ?? '')
        ? 'npx --yes --package=@yarnpkg/cli-dist@4 yarn workspaces focus --all --production'
        : 'npx --yes yarn@1 install --production --frozen-lockfile --non-interactive';
    default:
      return 'npm install --omit=dev --no-package-lock';
  }
}

function dockerfileLines(base: string, install: Install | undefined): string[] {
  const installed =
    install === undefined
      ? ['COPY . .']
      : install.manifests === undefined
        ? ['COPY . .', install.command]
        : [`COPY ${install.manifests.join(' ')} ./`, install.command, 'COPY . .'];
  return [
    `FROM ${base}`,
    ROOT,
    'WORKDIR /app',
    'ENV NODE_ENV=production',
    'ENV NODE_COMPILE_CACHE=.knative-lambda/compile-cache',
    `COPY .knative-lambda/adapter.mjs ${INSTALL_SCRIPT} .knative-lambda/`,
    ...installed,
    // Also fills the compile cache, which a pod can only read.
    laterStep('node .knative-lambda/adapter.mjs --check || exit 66'),
    `USER ${USER}`,
    'CMD ["node", ".knative-lambda/adapter.mjs"]',
  ];
}
