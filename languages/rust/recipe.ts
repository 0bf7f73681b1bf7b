/** Rust: a package of ours around the user's library and our adapter, compiled into one static program. */
import { posix } from 'node:path';
import { stringify } from 'smol-toml';
import { adapterFile, dockerfile, generated, isLitter, ROOT, USER } from '#languages/generated-files.ts';
import { invalidManifest } from '#languages/invalid-manifest.ts';
import type { Recipe, RecipeInput } from '#languages/language.ts';
import { HANDLER_IS } from '#shared/builds/handler-misfits.ts';
import type { GeneratedFile } from '#shared/packing/types.ts';
import type { BaseImages } from '#shared/settings/base-images.ts';
import { mergeLocks } from './cargo-lock.ts';
import { type CargoManifest, parseCargoToml } from './cargo-toml.ts';
import { findRustHandler } from './find-handler.ts';

export const rustRecipe: Recipe = async ({ source, request, settings }) => {
  const manifest = await manifestOf(source);
  const handler = await findRustHandler(source, manifest, request.handler);
  const adapter = async (file: string) => await adapterFile(settings.adapters, 'rust', file, `rust/adapter/${file}`);
  const needsSource = manifest.needsSource || (await readsFolders(source));
  const lock = mergeLocks(await lockOf(source), (await adapter('Cargo.lock')).content.toString());
  return {
    files: [
      ...dockerfile(dockerfileLines(settings.baseImages, needsSource, source)),
      generated('rust/Cargo.toml', program(manifest, { adapter: 'adapter', library: '../..' })),
      generated('rust/main.rs', main(handler.path, manifest)),
      generated('rust/handler.txt', handler.declaration === undefined ? '' : `${HANDLER_IS}${handler.declaration}\n`),
      ...(needsSource ? [generated('rust/Cargo.lock', lock)] : dependenciesAlone(manifest, lock)),
      await adapter('Cargo.toml'),
      await adapter('src/lib.rs'),
      await adapter('src/call_log.rs'),
      await adapter('src/deadline.rs'),
      await adapter('src/reply.rs'),
      await adapter('src/request.rs'),
    ],
    excludes: (path) => isLitter(path) || path.startsWith('target/'),
  };
};

async function manifestOf(source: RecipeInput['source']): Promise<CargoManifest> {
  const text = await source.text('Cargo.toml');
  if (text === undefined) {
    throw invalidManifest(
      'Cargo.toml',
      undefined,
      `is ${source.has('Cargo.toml') ? 'larger than 1 MiB' : 'not at the top of the prefix'}. Make one with \`cargo init --lib\``,
    );
  }
  return parseCargoToml(text, source.has);
}

async function lockOf(source: RecipeInput['source']): Promise<string | undefined> {
  const text = await source.text('Cargo.lock');
  if (text === undefined && source.has('Cargo.lock')) {
    throw invalidManifest('Cargo.lock', undefined, 'is larger than 1 MiB. Make it smaller');
  }
  return text;
}

const CONFIGURATION = ['.cargo/config', '.cargo/config.toml'];

/** Cargo's settings take packages from folders of the source, such as those that `cargo vendor` makes. */
async function readsFolders(source: RecipeInput['source']): Promise<boolean> {
  const texts = await Promise.all(CONFIGURATION.map(source.text));
  return texts.some((text) => /^\s*(?:directory|local-registry|paths|path|include)\s*=/m.test(text ?? ''));
}

/**
 * A workspace of its own, so that the user's package need not know of it. Cargo reads what decides about versions and
 * code from the root alone: patches and profiles come along.
 */
function program(manifest: CargoManifest, at: { adapter: string; library: string }): string {
  const { name, patch, profile } = manifest;
  const patches = Object.entries(patch).map(([registry, patched]) => [
    registry,
    Object.fromEntries(Object.entries(patched).map(([key, one]) => [key, movedPath(one, at.library)])),
  ]);
  return stringify({
    package: { name: 'knative-lambda-function', version: '0.0.0', edition: '2021' },
    bin: [{ name: 'function', path: 'main.rs' }],
    dependencies: {
      'knative-lambda-adapter': { path: at.adapter },
      // Under a name of ours, whatever the package is called.
      function: { package: name, path: at.library },
    },
    workspace: { resolver: '2' },
    patch: Object.fromEntries(patches),
    // A panic has to be caught: other events are in flight in the same process.
    profile: { ...profile, release: { ...profile['release'], panic: 'unwind' } },
  });
}

function movedPath(dependency: CargoManifest['dependencies'][string], folder: string): typeof dependency {
  const path = typeof dependency === 'string' ? undefined : dependency['path'];
  return typeof path === 'string' ? { ...(dependency as object), path: posix.join(folder, path) } : dependency;
}

/**
 * A program like ours, with an empty library that has the user's dependencies: what it compiles depends on manifests
 * alone, and is a layer to keep.
 */
function dependenciesAlone(manifest: CargoManifest, lock: string): GeneratedFile[] {
  const { name, version, features, dependencies, target } = manifest;
  const library = { package: { name, version, edition: '2021' }, features, dependencies, target };
  return [
    generated('rust/dependencies/Cargo.toml', program(manifest, { adapter: '../adapter', library: 'library' })),
    generated('rust/dependencies/Cargo.lock', lock),
    generated('rust/dependencies/main.rs', 'fn main() {}\n'),
    generated('rust/dependencies/library/Cargo.toml', stringify(library)),
    generated('rust/dependencies/library/src/lib.rs', ''),
  ];
}

/** Packages that set the one logger of a program, and panic where there is one already. */
const LOGGER = /logger|subscriber|^fern$|^log4rs$|^simplelog$|^stderrlog$/;

/** Of identifiers alone: see findRustHandler. */
function main(handler: string, { dependencies }: CargoManifest): string {
  const setLogger = Object.keys(dependencies).some((name) => LOGGER.test(name))
    ? ''
    : '    knative_lambda_adapter::set_logger();\n';
  return `//! The program: the adapter, around the user's function.

fn main() {
${setLogger}    knative_lambda_adapter::run(function::${handler});
}
`;
}

/**
 * Static also where the base image is no Alpine, so that BASE_IMAGE_STATIC may be anything: hence crt-static. With a
 * target named, it is for what runs in the cluster alone; procedural macros, which run in the compiler, can't be
 * static.
 */
const CARGO =
  'RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --message-format short --target "$(rustc --print host-tuple)"';

function dockerfileLines(base: BaseImages, needsSource: boolean, source: RecipeInput['source']): string[] {
  // What else decides what is downloaded, and by which compiler.
  const settings = ['rust-toolchain', 'rust-toolchain.toml'].filter(source.has);
  const configuration = CONFIGURATION.filter(source.has);
  const dependencies = needsSource
    ? ['COPY . .', 'RUN cd .knative-lambda/rust && cargo fetch || exit 65']
    : [
        ...(settings.length > 0 ? [`COPY ${settings.join(' ')} ./`] : []),
        ...(configuration.length > 0 ? [`COPY ${configuration.join(' ')} .cargo/`] : []),
        'COPY .knative-lambda/rust/adapter/ .knative-lambda/rust/adapter/',
        'COPY .knative-lambda/rust/dependencies/ .knative-lambda/rust/dependencies/',
        `RUN cd .knative-lambda/rust/dependencies && ${CARGO} --target-dir ../target && cp Cargo.lock .. || exit 65`,
        'COPY . .',
      ];
  return [
    `FROM ${base.rust} AS build`,
    ROOT,
    'WORKDIR /app',
    ...dependencies,
    // The compiler names our file alone where the handler is not one that the adapter can call.
    `RUN cd .knative-lambda/rust && ${CARGO} --target-dir target --locked && cp target/*/release/function ../function || { cat handler.txt; false; } || exit 66`,
    `FROM ${base.static}`,
    'WORKDIR /app',
    'COPY --from=build /app/.knative-lambda/function ./function',
    `USER ${USER}`,
    'CMD ["./function"]',
  ];
}
