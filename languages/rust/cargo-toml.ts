/** Cargo.toml, as far as it decides how the package is built into a program of ours. */
import * as z from 'zod';
import { invalidManifest } from '#languages/invalid-manifest.ts';
import { readToml } from '#languages/read-toml.ts';

const FILE = 'Cargo.toml';

/** Of the CloudEvents SDK: the adapter's own (adapter/Cargo.toml). */
const SDK = '0.9';

const table = z.record(z.string(), z.unknown());
const dependency = z.union([z.string(), table]);
const dependencies = z.record(z.string(), dependency).default({});

const packageSchema = z.object({
  name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, 'must be a name of letters, digits, "-" and "_"'),
  version: z.union([z.string(), table]).optional(),
  build: z.union([z.string(), z.boolean()]).optional(),
});

const schema = z.object({
  package: packageSchema.optional(),
  lib: z
    .object({
      path: z.string().max(200).optional(),
      'crate-type': z.array(z.string()).default(['lib']),
      'proc-macro': z.boolean().optional(),
    })
    .optional(),
  bin: z.array(z.unknown()).default([]),
  workspace: table.optional(),
  features: table.default({}),
  dependencies,
  target: z.record(z.string(), z.object({ dependencies })).default({}),
  patch: z.record(z.string(), z.record(z.string(), dependency)).default({}),
  profile: z.record(z.string(), table).default({}),
});

type Document = z.infer<typeof schema>;
type Dependencies = z.infer<typeof dependencies>;

export interface CargoManifest extends Pick<Document, 'features' | 'dependencies' | 'target' | 'patch' | 'profile'> {
  name: string;
  version: string;
  /** Path of the library's file. */
  library: string;
  /** It is said to have a program, or programs. */
  hasPrograms: boolean;
  /** Other folders, or a program that runs first, decide what is compiled: they must be there when dependencies are. */
  needsSource: boolean;
}

/** Throws PermanentError InvalidManifest. */
export function parseCargoToml(text: string, has: (path: string) => boolean): CargoManifest {
  const document = readToml(text, { file: FILE, what: 'package manifest', schema });
  const { lib, workspace, patch } = document;
  const own = document.package;
  if (own === undefined) {
    throw invalidManifest(
      FILE,
      undefined,
      workspace === undefined
        ? 'has no [package]. Make one with `cargo init --lib`'
        : 'is the root of a workspace and has no [package] of its own. Upload the folder of the package with the handler instead, or add a [package] to it',
    );
  }
  if (lib?.['proc-macro'] === true || lib?.['crate-type'].some((type) => type === 'lib' || type === 'rlib') === false) {
    throw invalidManifest(FILE, undefined, 'has a [lib] that no program can use. Add "lib" to its crate-type');
  }
  const all = [document.dependencies, ...Object.values(document.target).map((target) => target.dependencies)];
  all.forEach(checkSdk);
  const hasBuildScript = own.build === undefined ? has('build.rs') : own.build !== false;
  return {
    ...document,
    name: own.name,
    version: typeof own.version === 'string' ? own.version : '0.0.0',
    library: lib?.path?.replace(/^\.\//, '') ?? 'src/lib.rs',
    hasPrograms: document.bin.length > 0 || has('src/main.rs'),
    needsSource: workspace !== undefined || hasBuildScript || [...all, ...Object.values(patch)].some(namesFolders),
  };
}

function namesFolders(dependencies: Dependencies): boolean {
  return Object.values(dependencies).some((one) => typeof one === 'object' && 'path' in one);
}

/** Two versions of the SDK have two types of event, and the compiler's word on it is hard to read. */
function checkSdk(dependencies: Dependencies): void {
  for (const [key, one] of Object.entries(dependencies)) {
    const { package: name = key, version } = typeof one === 'string' ? { package: key, version: one } : one;
    if (name === 'cloudevents-sdk' && typeof version === 'string' && !/^\s*[=^~]?\s*0\.9(\.\d+)?\s*$/.test(version)) {
      throw invalidManifest(
        FILE,
        undefined,
        `asks for cloudevents-sdk ${JSON.stringify(version)}, and events are given to the handler as those of ${SDK}. Write cloudevents-sdk = "${SDK}"`,
      );
    }
  }
}
