/** `npm run build`: everything that runs in a cluster, as few small files in dist/. Same sources, same bytes. */
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import { frozenTemplates } from './frozen-templates.ts';
import { kubernetesModels } from './kubernetes-models.ts';
import { bundlePage } from './page.ts';
import { runtimeLeftovers } from './runtime-leftovers.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Packages that are CommonJS need these, which a module does not have. */
const COMMONJS = [
  "import { createRequire as __createRequire } from 'node:module';",
  'const require = __createRequire(import.meta.url);',
  'const __filename = import.meta.filename;',
  'const __dirname = import.meta.dirname;',
  // faas-js-runtime's metrics.js assigns to it without declaring it, which a module may not.
  'let osu;',
].join('\n');

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // A quarter less to read at every cold start, and 10 MB less in memory where the Kubernetes client is loaded.
  minify: true,
  // Without it the CloudEvents class is renamed, and the runtime sends events it does not recognise as plain JSON. It
  // also keeps the names in stack traces.
  keepNames: true,
  legalComments: 'none',
  // Fastify brings a version of its own, to be silent in.
  alias: { pino: 'pino' },
  banner: { js: COMMONJS },
  plugins: [runtimeLeftovers, kubernetesModels],
  logLevel: 'warning',
} satisfies BuildOptions;

/** Functions and the build pod's programs share chunks; what they import on demand stays out of their entries. */
async function bundlePrograms(outdir: string): Promise<void> {
  const functions = readdirSync(join(root, 'functions')).filter((name) =>
    existsSync(join(root, 'functions', name, 'index.ts')),
  );
  await build({
    ...common,
    entryPoints: {
      main: 'main.ts',
      ...Object.fromEntries(functions.map((name) => [`functions/${name}`, `functions/${name}/index.ts`])),
      'build-pod/fetch-context': 'build-pod/fetch-context.ts',
      'build-pod/build-monitor': 'build-pod/build-monitor.ts',
    },
    outdir,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
  });
}

/** One program as one file. */
export async function bundleProgram(entry: string, outfile: string, options: BuildOptions = {}): Promise<void> {
  await build({ ...common, ...options, entryPoints: [entry], outfile });
}

/** `kn-lambda` as one file, which runs by itself on Node 20 and later. */
export async function bundleCommand(outfile: string): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  await bundleProgram('cli/kn-lambda/main.ts', outfile, {
    target: 'node20',
    banner: { js: `#!/usr/bin/env node\n${COMMONJS}` },
    define: { KN_LAMBDA_VERSION: JSON.stringify(version) },
    plugins: [frozenTemplates(root)],
  });
  chmodSync(outfile, 0o755);
}

/** What goes into users' images, a folder a language: an adapter in TypeScript as one file, the others as they are. */
export async function bundleAdapters(outdir: string): Promise<void> {
  const languages = join(root, 'languages');
  for (const language of readdirSync(languages)) {
    const adapter = join(languages, language, 'adapter');
    const entry = join(adapter, 'adapter.ts');
    if (existsSync(entry)) {
      await bundleProgram(entry, join(outdir, language, 'adapter.mjs'));
    } else if (existsSync(adapter)) {
      cpSync(adapter, join(outdir, language), {
        recursive: true,
        filter: (source) => !/__pycache__|\.pyc$|_test\.(py|go)$|\/target(\/|$)/.test(source),
      });
    }
  }
}

/** Into the folder of the sources itself, or into one of its own, which is replaced only when all is made. */
export async function bundle(outdir: string): Promise<void> {
  if (resolve(outdir) === resolve(root)) {
    await bundleEverything(outdir);
    return;
  }
  const made = `${resolve(outdir)}.${process.pid}`;
  try {
    await bundleEverything(made);
    // So that the folder can be run wherever it is copied.
    const manifest = { name: 'knative-lambda', private: true, type: 'module' };
    writeFileSync(join(made, 'package.json'), `${JSON.stringify(manifest)}\n`);
    rmSync(outdir, { recursive: true, force: true });
    renameSync(made, outdir);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

async function bundleEverything(outdir: string): Promise<void> {
  await Promise.all([
    bundlePrograms(outdir),
    bundleAdapters(join(outdir, 'adapters')),
    bundlePage(root, join(outdir, 'public')),
  ]);
  // The image is made from a part of the sources, without the command.
  if (existsSync(join(root, 'cli')) && existsSync(join(root, 'examples'))) {
    await bundleCommand(join(outdir, 'cli/kn-lambda.mjs'));
  }
}

if (import.meta.main) {
  const began = performance.now();
  // Buildpacks run what lies in the folder of the sources.
  const outdir = process.argv[2] ?? process.env['BUNDLE_DIRECTORY'] ?? join(root, 'dist');
  await bundle(outdir);
  const seconds = (performance.now() - began) / 1000;
  console.log(`${outdir === join(root, 'dist') ? 'dist/' : outdir} bundled in ${seconds.toFixed(1)} s`);
}
