/** Node sources: manifests, lock files and code as people write them, right and wrong. */
import { type NodeContext, nodeCode } from './node-code.ts';
import type { Random } from './random.ts';
import { addOne, emptySource, type Mark, type Part, type Source } from './source.ts';

const installs = (path: string, name = path): Mark => ({
  name,
  refused: new RegExp(path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')),
  heeded: (plan) => plan.installReads(path),
});

const LOCAL = {
  'dep/package.json': '{"name":"dep","version":"1.0.0","main":"index.js"}\n',
  'dep/index.js': 'exports.rows = () => 7;\n',
};

/** Where the packages come from, and which manager installs them. */
const managers: Part<NodeContext>[] = [
  { name: 'nothing to install', weight: 8, add: () => undefined },
  {
    name: 'npm without a lock',
    weight: 3,
    add: (source, context) => depend(source, context),
  },
  {
    name: 'npm with a lock',
    weight: 3,
    add(source, context, random) {
      depend(source, context);
      const lock = random.pick(['package-lock.json', 'npm-shrinkwrap.json']);
      source.files[lock] = npmLock(context.manifest);
      source.marks.push(installs(lock), { name: 'npm ci', refused: /$^/, heeded: (plan) => plan.says('npm ci') });
    },
  },
  {
    name: 'npm with a lock that is behind',
    add(source, context) {
      depend(source, context);
      source.files['package-lock.json'] = npmLock({ name: 'fn', dependencies: {} });
      source.marks.push(installs('package-lock.json'));
      source.faults.push({ when: 'build', says: /Missing: dep@|package-lock\.json|lock file/ });
    },
  },
  {
    name: 'pnpm',
    weight: 2,
    add(source, context, random) {
      depend(source, context);
      const written = random.pick(['6.0', '9.0', '5.4', '7.0', '6.1']);
      source.files['pnpm-lock.yaml'] = pnpmLock(written);
      source.marks.push(installs('pnpm-lock.yaml'), {
        name: 'pnpm',
        refused: /$^/,
        heeded: (plan) => /pnpm@\d+/.test(plan.dockerfile),
      });
      source.slow = true;
      source.loose = written === '5.4' || written === '6.1' || written === '7.0';
      if (random.chance(0.4)) {
        source.files['pnpm-workspace.yaml'] = random.pick([
          'packages:\n  - dep\n',
          'onlyBuiltDependencies:\n  - dep\n',
        ]);
        source.marks.push(installs('pnpm-workspace.yaml'));
        source.loose = true;
      }
      if (random.chance(0.2)) {
        source.files['patches/dep.patch'] = 'diff --git a/index.js b/index.js\n';
        context.manifest['pnpm'] = { patchedDependencies: { dep: 'patches/dep.patch' } };
        source.marks.push(installs('patches/dep.patch'));
        source.loose = true;
      }
    },
  },
  {
    name: 'Yarn Classic',
    add(source, context, random) {
      depend(source, context);
      source.files['yarn.lock'] = '# yarn lockfile v1\n\n\n"dep@file:./dep":\n  version "1.0.0"\n';
      source.marks.push(installs('yarn.lock'), {
        name: 'yarn',
        refused: /$^/,
        heeded: (plan) => /yarn@1|yarn-1/.test(plan.dockerfile),
      });
      source.slow = true;
      if (random.chance(0.3)) {
        source.files['.yarnrc'] = 'yarn-path ".yarn/releases/yarn-1.22.19.cjs"\n';
        source.marks.push({
          name: 'yarn-path',
          refused: /yarn-1\.22\.19/,
          heeded: (plan) => plan.says('yarn-1.22.19'),
        });
        source.loose = true;
        if (random.chance(0.5)) {
          source.files['.yarn/releases/yarn-1.22.19.cjs'] = 'process.exit(0)';
        }
      }
    },
  },
  {
    name: 'Yarn Berry',
    add(source, context, random) {
      depend(source, context);
      source.files['yarn.lock'] = `__metadata:\n  version: ${random.pick([4, 5, 6, 8])}\n`;
      source.marks.push(installs('yarn.lock'), {
        name: 'yarn',
        refused: /$^/,
        heeded: (plan) => /@yarnpkg\/cli-dist@|node "\.yarn/.test(plan.dockerfile),
      });
      source.slow = true;
      source.loose = true;
      if (random.chance(0.4)) {
        source.files['.yarnrc.yml'] =
          `yarnPath: .yarn/releases/yarn-3.6.1.cjs\nnodeLinker: ${random.pick(['pnp', 'node-modules'])}\n`;
        source.marks.push(installs('.yarnrc.yml', 'yarnPath'), {
          name: 'yarnPath',
          refused: /yarn-3\.6\.1/,
          heeded: (plan) => plan.says('yarn-3.6.1'),
        });
        if (random.chance(0.5)) {
          source.files['.yarn/releases/yarn-3.6.1.cjs'] = 'process.exit(0)';
        }
      }
    },
  },
  {
    name: 'Bun',
    weight: 0.5,
    add(source, context, random) {
      depend(source, context);
      const lock = random.pick(['bun.lock', 'bun.lockb']);
      source.files[lock] = '{"lockfileVersion": 1}\n';
      source.marks.push(installs(lock));
      source.loose = true;
    },
  },
  {
    name: 'two lock files',
    weight: 0.5,
    add(source, context, random) {
      depend(source, context);
      source.files['package-lock.json'] = npmLock(context.manifest);
      source.files['yarn.lock'] = '# yarn lockfile v1\n';
      source.slow = true;
      source.loose = true;
      if (random.chance(0.5)) {
        context.manifest['packageManager'] = 'yarn@1.22.22';
        source.marks.push({
          name: 'packageManager',
          refused: /packageManager|yarn\.lock/,
          heeded: (plan) => /yarn@1/.test(plan.dockerfile),
        });
      }
    },
  },
];

function depend(source: Source, context: NodeContext): void {
  Object.assign(source.files, LOCAL);
  context.manifest['dependencies'] = { dep: 'file:./dep' };
  context.dependency = true;
  source.marks.push(installs('dep/package.json', 'file:./dep'));
}

function npmLock(manifest: Record<string, unknown>): string {
  const dependencies = (manifest['dependencies'] ?? {}) as Record<string, string>;
  const packages =
    Object.keys(dependencies).length === 0
      ? {}
      : { dep: { version: '1.0.0' }, 'node_modules/dep': { resolved: 'dep', link: true } };
  return JSON.stringify({
    name: 'fn',
    lockfileVersion: 3,
    requires: true,
    packages: { '': { name: 'fn', dependencies }, ...packages },
  });
}

function pnpmLock(written: string): string {
  const importers =
    'importers:\n\n  .:\n    dependencies:\n      dep:\n        specifier: file:./dep\n        version: file:dep\n\n';
  const resolution = 'resolution: {directory: dep, type: directory}';
  return written.startsWith('9')
    ? `lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n\n${importers}packages:\n\n  dep@file:dep:\n    ${resolution}\n\nsnapshots:\n\n  dep@file:dep: {}\n`
    : `lockfileVersion: '${written}'\n\nsettings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n\ndependencies:\n  dep:\n    specifier: file:./dep\n    version: file:dep\n\npackages:\n\n  file:dep:\n    ${resolution}\n    name: dep\n    dev: false\n`;
}

const COMMANDS: Record<string, RegExp> = {
  npm: /(?<!p)npm (?:ci|install)|npm@/,
  pnpm: /pnpm@/,
  yarn: /yarn@1|@yarnpkg\/cli-dist@|node "\.yarn/,
};

/** What else stands in package.json or beside it. */
const extras: Part<NodeContext>[] = [
  { name: 'plain', weight: 8, add: () => undefined },
  {
    name: 'packageManager',
    add(source, { manifest, dependency }, random) {
      const value = random.pick([
        'pnpm@8.15.9',
        'yarn@3.6.1',
        'yarn@1.22.22',
        'npm@10.2.0',
        'bun@1.1.0',
        'pnpm@latest',
        'pnpm',
        'npm@11',
      ]);
      if ('packageManager' in manifest) {
        return;
      }
      manifest['packageManager'] = value;
      source.loose = true;
      source.slow = true;
      if (dependency) {
        const [manager = ''] = value.split('@');
        source.marks.push({
          name: 'packageManager',
          refused: /packageManager/,
          heeded: ({ dockerfile }) => COMMANDS[manager]?.test(dockerfile) ?? false,
        });
      }
    },
  },
  {
    name: '.npmrc',
    add(source, { dependency }, random) {
      source.files['.npmrc'] = random.pick([
        'engine-strict=true\n',
        'ignore-scripts=true\n',
        'legacy-peer-deps=true\n',
        '@acme:registry=https://npm.acme.example/\n',
      ]);
      if (dependency) {
        source.marks.push(installs('.npmrc'));
      }
    },
  },
  {
    name: 'scripts for developers',
    add(_, { manifest }, random) {
      manifest['scripts'] = {
        ...Object(manifest['scripts']),
        [random.pick(['prepare', 'prepublish', 'preprepare'])]: 'no-such-tool-of-developers',
      };
    },
  },
  {
    name: 'postinstall',
    add(source, { manifest }, random) {
      const works = random.chance(0.5);
      manifest['scripts'] = {
        ...Object(manifest['scripts']),
        postinstall: works ? 'node -e 1' : 'echo libvips is missing && exit 3',
      };
      if (!works) {
        source.faults.push({ when: 'build', says: /libvips is missing/ });
      }
    },
  },
  {
    name: 'workspaces',
    add(source, context) {
      context.manifest['workspaces'] = ['packages/*'];
      source.files['packages/rows/package.json'] = '{"name":"rows","version":"1.0.0"}';
      source.marks.push({
        name: 'workspaces',
        refused: /workspaces/,
        heeded: (plan) => plan.installReads('packages/rows/package.json'),
      });
    },
  },
  {
    name: 'overrides',
    add(source, { manifest, dependency }, random) {
      manifest[random.pick(['overrides', 'resolutions'])] = { leftpad: '1.0.0' };
      // A lock file need not have it.
      source.loose ||= dependency;
      if (dependency) {
        source.marks.push(installs('package.json', 'overrides'));
      }
    },
  },
  {
    name: 'a package that is nowhere',
    weight: 0.3,
    add(source, { manifest }) {
      manifest['dependencies'] = { ...Object(manifest['dependencies']), '@acme-nobody-here/rows': '1.0.0' };
      source.faults.push({ when: 'build', says: /@acme-nobody-here(\/|%2f)rows|package-lock|lock file|lockfile/i });
      source.slow = true;
    },
  },
  {
    name: 'a tarball that is nowhere',
    weight: 0.5,
    add(source, { manifest }) {
      manifest['dependencies'] = { ...Object(manifest['dependencies']), rows: 'file:./rows-1.0.0.tgz' };
      source.faults.push({ when: 'build', says: /rows-1\.0\.0\.tgz|lock file|lockfile/i });
    },
  },
  {
    name: 'a manifest that is wrong',
    add(source, { manifest }, random) {
      const [key, value] = random.pick([
        ['dependencies', ['lodash']],
        ['scripts', 'build'],
        ['type', 'esm'],
        ['main', 7],
        ['dependencies', { a: 1 }],
        ['workspaces', 'packages/*'],
      ] as [string, unknown][]);
      manifest[key] = value;
      source.loose = true;
    },
  },
];

/** Where the file with the handler lies, and what says so. */
const places: Part<NodeContext>[] = [
  {
    name: 'usual name',
    weight: 6,
    add(_, context, random) {
      context.path = random.pick(['parser', 'index', 'handler']);
    },
  },
  {
    name: 'main',
    weight: 2,
    add(_, context, random) {
      context.path = random.pick(['src/app', 'lib/main', 'server', 'build/index', 'dist/app']);
      context.manifest['main'] = random.pick(['', './']) + context.path;
    },
  },
  {
    name: 'parameters.handler',
    weight: 2,
    add(source, context, random) {
      context.path = random.pick(['src/rows', 'app', 'a.b/rows', 'parser.v2']);
      source.request = { ...source.request, handler: `${context.path}.handler` };
    },
  },
  {
    name: 'an unusual name',
    weight: 1,
    add(source, context) {
      context.path = 'lambda';
      source.faults.push({ when: 'before', says: /parser|handler/ });
    },
  },
  {
    name: 'several',
    weight: 1,
    add(source, context) {
      context.path = 'handler';
      source.files['helpers.js'] = 'module.exports = 1';
      source.files['lib/index.js'] = 'module.exports = 2';
    },
  },
];

export function nodeSource(random: Random): Source {
  const source = emptySource('node');
  const type = random.pick([undefined, undefined, 'module', 'commonjs']);
  const context: NodeContext = {
    manifest: { name: 'fn', version: '1.0.0', ...(type && { type }) },
    path: 'index',
    esm: true,
    typescript: false,
    dependency: false,
  };
  addOne(source, places, context, random);
  const chosen = random.pick(['.js', '.js', '.js', '.mjs', '.cjs', '.ts', '.mts']);
  const extension = chosen === '.mts' && !context.path.includes('/') ? '.ts' : chosen;
  context.typescript = /ts$/.test(extension);
  // Node takes a .js file for either, where no package.json says which.
  context.esm =
    extension.startsWith('.m') ||
    (extension === '.cjs' ? false : type === 'module' || (type === undefined && random.chance(0.6)));
  context.path += extension;
  if (typeof context.manifest['main'] === 'string' && random.chance(0.7)) {
    context.manifest['main'] += extension;
  }
  addOne(source, managers, context, random);
  for (let count = random.below(3); count > 0; count -= 1) {
    addOne(source, extras, context, random);
  }
  addOne(source, nodeCode, context, random);
  const needsManifest = Object.keys(context.manifest).length > 2 || context.dependency || random.chance(0.4);
  if (needsManifest) {
    source.files['package.json'] = `${JSON.stringify(context.manifest, undefined, 2)}\n`;
  }
  return source;
}
