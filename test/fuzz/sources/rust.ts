/** Rust sources: packages, workspaces, features, dependencies of every kind, and code. */
import type { Random } from './random.ts';
import { addOne, emptySource, type Part, type Source } from './source.ts';

interface RustContext {
  /** Of Cargo.toml, after [package]. */
  toml: string[];
  library: string;
  dependency: boolean;
}

const DEP = {
  'dep/Cargo.toml': '[package]\nname = "dep"\nversion = "1.0.0"\nedition = "2021"\n',
  'dep/src/lib.rs': 'pub fn rows() -> i32 { 7 }\n',
};
const reads = (path: string) => ({
  name: path,
  refused: /Cargo\.toml/,
  heeded: (plan: { installReads(path: string): boolean }) => plan.installReads(path),
});

const manifests: Part<RustContext>[] = [
  { name: 'a package', weight: 6, add: () => undefined },
  {
    name: 'a folder',
    weight: 2,
    add(source, context) {
      Object.assign(source.files, DEP);
      context.toml.push('dep = { path = "dep" }');
      context.dependency = true;
      source.marks.push(reads('dep/Cargo.toml'));
    },
  },
  {
    name: 'a workspace',
    add(source, context) {
      Object.assign(source.files, DEP);
      context.toml.push('dep = { path = "dep" }', '[workspace]', 'members = ["dep"]');
      context.dependency = true;
      source.marks.push(reads('dep/Cargo.toml'));
    },
  },
  {
    name: 'dependencies of the workspace',
    add(source, context) {
      Object.assign(source.files, DEP);
      context.toml.push(
        'dep = { workspace = true }',
        '[workspace]',
        'members = ["dep"]',
        '[workspace.dependencies]',
        'dep = { path = "dep" }',
      );
      context.dependency = true;
      source.marks.push(reads('dep/Cargo.toml'));
    },
  },
  {
    name: 'a patch',
    add(source, context) {
      Object.assign(source.files, DEP);
      context.toml.push('[patch.crates-io]', 'dep = { path = "dep" }');
      source.marks.push(reads('dep/Cargo.toml'));
    },
  },
  {
    name: 'replaced sources',
    add(source) {
      source.files['.cargo/config.toml'] =
        '[source.crates-io]\nreplace-with = "vendored-sources"\n[source.vendored-sources]\ndirectory = "vendor"\n';
      source.files['vendor/dep/Cargo.toml'] = DEP['dep/Cargo.toml'];
      source.loose = true;
      source.marks.push(reads('.cargo/config.toml'), reads('vendor/dep/Cargo.toml'));
    },
  },
  {
    name: 'a crate that is nowhere',
    add(source, context) {
      context.toml.push('dep-nobody-here-9 = "1"');
      source.faults.push({ when: 'build', says: /dep-nobody-here-9/ });
    },
  },
  {
    name: 'another SDK',
    add(source, context) {
      context.toml[0] = 'cloudevents-sdk = "0.7"';
      source.faults.push({ when: 'before', says: /cloudevents-sdk/ });
    },
  },
  {
    name: 'features',
    add(_, context) {
      context.toml.push('[features]', 'default = ["fast"]', 'fast = []');
    },
  },
  {
    name: 'a program',
    add(source) {
      source.files['src/main.rs'] = 'fn main() {}\n';
    },
  },
  {
    name: 'a toolchain',
    add(source, _, random) {
      const file = random.pick(['rust-toolchain.toml', 'rust-toolchain']);
      source.files[file] = '[toolchain]\nchannel = "stable"\n';
      source.marks.push(reads(file));
      source.loose = true;
    },
  },
  {
    name: 'a build script',
    add(source) {
      source.files['build.rs'] = 'fn main() { println!("cargo:warning=rows"); }\n';
      source.marks.push(reads('build.rs'));
    },
  },
  {
    name: 'TOML that is none',
    add(source, context, random) {
      context.toml = [random.pick(['[dependencies', '= 1', '[package]', 'a = [', 'serde = 1'])];
      source.faults.push({ when: 'before', says: /Cargo\.toml/ });
    },
  },
];

const SIGNATURE = '(event: cloudevents::Event) -> Result<serde_json::Value, Box<dyn std::error::Error>>';
const codes: { name: string; weight?: number; text: string; fault?: Source['faults'][number]; dependency?: boolean }[] =
  [
    {
      name: 'answers',
      weight: 4,
      text: `pub async fn handle${SIGNATURE} {\n    let _ = event;\n    Ok(serde_json::json!({"ok": 1}))\n}\n`,
    },
    {
      name: 'uses the dependency',
      weight: 3,
      dependency: true,
      text: `pub async fn handle${SIGNATURE} {\n    let _ = event;\n    Ok(serde_json::json!({"ok": dep::rows()}))\n}\n`,
    },
    {
      name: 'an error',
      text: `pub async fn handle${SIGNATURE} {\n    let _ = event;\n    Err("rows are missing".into())\n}\n`,
      fault: { when: 'call', says: /rows are missing/ },
    },
    {
      name: 'does not compile',
      text: `pub async fn handle${SIGNATURE} {\n    Ok(nothing_here)\n}\n`,
      fault: { when: 'build', says: /nothing_here/ },
    },
    {
      name: 'not async',
      text: `pub fn handle${SIGNATURE} {\n    Ok(serde_json::json!(1))\n}\n`,
      fault: { when: 'before', says: /async/ },
    },
    {
      name: 'not public',
      text: `async fn handle${SIGNATURE} {\n    Ok(serde_json::json!(1))\n}\n`,
      fault: { when: 'before', says: /handle/ },
    },
    { name: 'an empty file', text: '', fault: { when: 'before', says: /handle/ } },
  ];

export function rustSource(random: Random): Source {
  const source = emptySource('rust');
  source.slow = true;
  const context: RustContext = {
    toml: ['cloudevents-sdk = "0.9"', 'serde_json = "1"'],
    library: 'src/lib.rs',
    dependency: false,
  };
  addOne(source, manifests, context, random);
  addOne(
    source,
    codes.map(
      ({ name, weight = 1, text, fault, dependency = false }): Part<RustContext> => ({
        name,
        weight,
        add(target) {
          const usable = !dependency || context.dependency;
          target.files[context.library] = usable ? text : (codes[0]?.text ?? '');
          if (fault && usable) {
            target.faults.push(fault);
          }
        },
      }),
    ),
    context,
    random,
  );
  if (random.chance(0.05)) {
    delete source.files[context.library];
    source.faults.push({ when: 'before', says: /src\/lib\.rs|Rust/ });
  }
  const edition = random.pick(['2021', '2024']);
  source.files['Cargo.toml'] =
    `[package]\nname = "parser"\nversion = "0.1.0"\nedition = "${edition}"\n\n[dependencies]\n${context.toml.join('\n')}\n`;
  return source;
}
