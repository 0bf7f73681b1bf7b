/** Node: dependencies by the lock file that is there, then the code; run as it is, TypeScript too. */
import { findHandler } from '#languages/find-handler.ts';
import {
  adapterFile,
  COPY_CODE,
  dockerfile,
  FOLDER,
  generated,
  isLitter,
  ROOT,
  USER,
} from '#languages/generated-files.ts';
import type { Recipe, RecipeInput } from '#languages/language.ts';
import { INSTALL_SCRIPT, installScript, installStep, laterStep } from '#languages/private-dependencies.ts';
import type { BelowCode, GeneratedFile } from '#shared/packing/types.ts';
import { nodeEntryFiles, nodeModules } from './entry-files.ts';
import { nodeNames } from './exported-names.ts';
import { type Install, installOf } from './install.ts';
import { madeByBuild } from './made-by-build.ts';
import { mainOf, type PackageJson, parsePackageJson } from './package-json.ts';

export const nodeRecipe: Recipe = async ({ source, request, settings }) => {
  const manifest = await manifestOf(source);
  const made = manifest && madeByBuild(source, manifest, request.handler);
  const handler =
    made ??
    (await findHandler(source, {
      language: 'node',
      modules: nodeModules,
      requested: request.handler,
      candidates: await nodeEntryFiles(source, request.handler),
      usualNames: ['handler', 'handle', 'parse', 'default'],
      namesOf: nodeNames,
      example: (file = 'parser.js') =>
        `\`export function handler(event) { … }\` to ${file} (or \`exports.handler = …\`)`,
      usualFiles: `parser, index or handler with .js, .mjs, .cjs or .ts, nor ${missingMain(manifest)}`,
    }));
  const install = manifest && (await installOf(source, manifest, made !== undefined));
  const entry = generated('function.json', JSON.stringify({ file: handler.file, function: handler.name ?? null }));
  const adapter = await adapterFile(settings.adapters, 'node', 'adapter.mjs');
  const below = belowCode(settings.baseImages.node, install, adapter);
  return {
    files: [...dockerfile(dockerfileLines(settings.baseImages.node, install)), entry, adapter, installScript()],
    codeLayer: below && { files: [entry], below },
    // Installed packages belong to the machine they were installed on. Without a package.json they are all there is, so
    // they stay.
    excludes: (path) => isLitter(path) || (install !== undefined && /(?:^|\/)node_modules\//.test(path)),
  };
};

function missingMain(manifest: PackageJson | undefined): string {
  const main = manifest && mainOf(manifest);
  return main === undefined
    ? 'a "main" in package.json that exists'
    : `${main}, which is "main" in package.json (a script "build" would make it)`;
}

async function manifestOf(source: RecipeInput['source']): Promise<PackageJson | undefined> {
  const text = await source.text('package.json');
  return text === undefined ? undefined : parsePackageJson(text);
}

const ENVIRONMENT = ['NODE_ENV=production', 'NODE_COMPILE_CACHE=.knative-lambda/compile-cache'];
const COMMAND = ['node', '.knative-lambda/adapter.mjs'];

function belowCode(image: string, install: Install | undefined, adapter: GeneratedFile): BelowCode | undefined {
  if (install === undefined) {
    const config = { User: USER, WorkingDir: FOLDER, Env: ENVIRONMENT, Cmd: COMMAND };
    return { kind: 'base', image, files: [adapter], config };
  }
  return install.manifests && { kind: 'installed', reads: install.manifests };
}

function dockerfileLines(base: string, install: Install | undefined): string[] {
  const installed =
    install === undefined
      ? [COPY_CODE]
      : install.manifests === undefined
        ? [COPY_CODE, installStep(install.install), ...(install.build ?? []).map(laterStep)]
        : [`COPY ${install.manifests.join(' ')} ./`, installStep(install.install), COPY_CODE];
  return [
    `FROM ${base}`,
    ROOT,
    `WORKDIR ${FOLDER}`,
    ...ENVIRONMENT.map((variable) => `ENV ${variable}`),
    `COPY .knative-lambda/adapter.mjs ${INSTALL_SCRIPT} .knative-lambda/`,
    ...installed,
    // Also fills the compile cache, which a pod can only read.
    laterStep('node .knative-lambda/adapter.mjs --check || exit 66'),
    `USER ${USER}`,
    `CMD ${JSON.stringify(COMMAND)}`,
  ];
}
