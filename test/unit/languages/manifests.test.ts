import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { newerGo } from '#languages/go/go-mod.ts';
import { mergeLocks } from '#languages/rust/cargo-lock.ts';
import { type Files, ours, plan } from '#test/languages/conformance/sources.ts';

const python = { 'parser.py': 'def handler(event): ...' };
const node = { 'parser.js': 'exports.handler = () => {}' };
const rust = { 'src/lib.rs': 'pub async fn handle() {}' };
const ownPackage = '[package]\nname = "p"\n';
const go = { 'p.go': 'package p\nfunc Handle() {}' };

describe('a broken manifest', () => {
  test.each<{ case: string; files: Files; says: string[] }>([
    {
      case: 'package.json with a comma too many',
      files: { ...node, 'package.json': '{\n  "name": "x",\n}' },
      says: ['package.json:3:1', 'is no JSON'],
    },
    {
      case: 'package.json with a bare word',
      files: {
        ...node,
        'package.json': '{\n  "name": "some long name of it",\n  "version": oops,\n  "private": true\n}',
      },
      says: ['package.json:3:14'],
    },
    {
      case: 'package.json that ends early',
      files: { ...node, 'package.json': '{\n  "name": "x"' },
      says: ['package.json:2:14'],
    },
    { case: 'an empty package.json', files: { ...node, 'package.json': '' }, says: ['package.json:1:1'] },
    {
      case: 'package.json with dependencies that are none',
      files: { ...node, 'package.json': '{"dependencies":["left-pad"]}' },
      says: ['dependencies'],
    },
    { case: 'package.json that is a list', files: { ...node, 'package.json': '[]' }, says: ['package.json'] },
    {
      case: 'requirements.txt with a sentence',
      files: { ...python, 'requirements.txt': 'requests\n\nplease install numpy' },
      says: ['requirements.txt:3', 'please install numpy'],
    },
    {
      case: 'requirements.txt with a merge conflict',
      files: { ...python, 'requirements.txt': '<<<<<<< HEAD' },
      says: ['requirements.txt:1'],
    },
    {
      case: 'requirements.txt in UTF-16',
      files: { ...python, 'requirements.txt': Buffer.from('requests', 'utf16le') },
      says: ['UTF-8'],
    },
    {
      case: 'pyproject.toml that is no TOML',
      files: { ...python, 'pyproject.toml': '[project\nname = "x"' },
      says: ['pyproject.toml:1:'],
    },
    {
      case: 'pyproject.toml with a dependency that is none',
      files: { ...python, 'pyproject.toml': '[project]\ndependencies = ["--index-url=http://x"]' },
      says: ['--index-url'],
    },
    {
      case: 'pyproject.toml with dependencies that are no list',
      files: { ...python, 'pyproject.toml': '[project]\ndependencies = "requests"' },
      says: ['project.dependencies'],
    },
    {
      case: "Poetry's own dependencies",
      files: { ...python, 'pyproject.toml': '[tool.poetry.dependencies]\npython = "^3.13"\nrequests = "^2"' },
      says: ['(requests)', 'poetry export', 'requirements.txt'],
    },
    {
      case: 'dynamic dependencies',
      files: { ...python, 'pyproject.toml': '[project]\ndynamic = ["dependencies"]' },
      says: ['dynamic'],
    },
    {
      case: 'an editable requirement that was not uploaded',
      files: { ...python, 'requirements.txt': 'six\n-e ./lib' },
      says: ['requirements.txt:2', '"lib"', 'was not uploaded'],
    },
    {
      case: 'an editable requirement in a file that requirements.txt names',
      files: { ...python, 'requirements.txt': '-r more/base.txt', 'more/base.txt': '\n--editable=git+https://x/y' },
      says: ['more/base.txt:2', 'without --editable'],
    },
    {
      case: 'a requirements file that was not uploaded',
      files: { ...python, 'requirements.txt': '-r base.txt' },
      says: ['requirements.txt:1', '"base.txt"', 'was not uploaded'],
    },
    {
      case: 'a constraints file outside',
      files: { ...python, 'requirements.txt': '-c ../constraints.txt' },
      says: ['"../constraints.txt"', 'outside'],
    },
    {
      case: 'a folder of wheels that was not uploaded',
      files: { ...python, 'requirements.txt': '--find-links wheels\nsix' },
      says: ['requirements.txt:1', '"wheels"'],
    },
    {
      case: 'a local package that was not uploaded',
      files: { ...python, 'requirements.txt': './lib' },
      says: ['requirements.txt:1', '"lib"'],
    },
    {
      case: 'a local package whose sources pip does not read',
      files: {
        ...python,
        'requirements.txt': './lib',
        'lib/pyproject.toml': '[tool.uv.sources]\nsix = { path = "six" }',
      },
      says: ['lib/pyproject.toml', '[tool.uv.sources] (six)', 'requirements.txt:1'],
    },
    {
      case: "a group of Poetry's",
      files: { ...python, 'pyproject.toml': '[tool.poetry.group.main.dependencies]\nsemver = "^3"' },
      says: ['[tool.poetry.group.main.dependencies]', 'semver', 'poetry export --with main'],
    },
    {
      case: "Poetry's word for where a dependency comes from",
      files: {
        ...python,
        'pyproject.toml': '[project]\ndependencies = ["six"]\n[tool.poetry.dependencies]\nsix = { path = "six" }',
      },
      says: ['[tool.poetry.dependencies]', '(six)'],
    },
    {
      case: 'dependency groups alone',
      files: { ...python, 'pyproject.toml': '[dependency-groups]\nmain = ["semver"]' },
      says: ['[dependency-groups]', '(main)'],
    },
    ...[
      '[[tool.uv.index]]\nurl = "https://x/simple"',
      '[tool.uv]\nindex-url = "https://x/simple"',
      '[[tool.poetry.source]]\nname = "x"\nurl = "https://x/simple"',
      '[[tool.pdm.source]]\nurl = "https://x/simple"',
      '[tool.uv]\noverride-dependencies = ["six<1"]',
    ].map((text) => ({
      case: `an index of its own: ${text}`,
      files: { ...python, 'pyproject.toml': `[project]\ndependencies = ["six"]\n${text}` },
      says: [/tool\.\w+(?:\.[\w-]+)?/.exec(text)?.[0] ?? '', 'which pip does not read'],
    })),
    ...['index = "own"', 'path = "../six"', 'path = "missing"', 'workspace = true', 'path = "lib", marker = "x"'].map(
      (origin) => ({
        case: `a source of uv's that pip has not: ${origin}`,
        files: {
          ...python,
          'lib/a.py': '',
          'pyproject.toml': `[project]\ndependencies = ["six"]\n[tool.uv.sources]\nsix = { ${origin} }`,
        },
        says: ['"six" in [tool.uv.sources]'],
      }),
    ),
    {
      case: 'a Pipfile',
      files: { ...python, Pipfile: '[packages]\nsemver = "*"' },
      says: ['Pipfile', 'pipenv requirements'],
    },
    {
      case: 'setup.py with dependencies',
      files: { ...python, 'setup.py': 'setup(install_requires=["six"])' },
      says: ['setup.py', 'the line "."'],
    },
    {
      case: 'setup.cfg with dependencies',
      files: { ...python, 'setup.cfg': '[options]\ninstall_requires =\n  six' },
      says: ['setup.cfg'],
    },
    { case: 'environment.yml', files: { ...python, 'environment.yml': 'dependencies:\n - six' }, says: ['conda'] },
    {
      case: 'requirements in a folder',
      files: { ...python, 'requirements/base.txt': 'six' },
      says: ['requirements/base.txt', '-r requirements/base.txt'],
    },
    {
      case: 'go.work that uses a folder without a module',
      files: { ...go, 'go.mod': 'module x', 'go.work': 'go 1.24\nuse (\n\t.\n\t./lib\n)' },
      says: ['go.work:4', './lib', 'no go.mod'],
    },
    {
      case: 'go.work that uses what is outside',
      files: { ...go, 'go.mod': 'module x', 'go.work': 'use ../lib' },
      says: ['go.work:1', 'outside'],
    },
    {
      case: 'vendor/ of another version',
      files: {
        ...go,
        'go.mod': 'module x\nrequire y.z/a v1.2.0',
        'vendor/modules.txt': '# y.z/a v1.1.0\n## explicit\ny.z/a\n',
      },
      says: ['go.mod:2', 'v1.1.0', 'go mod vendor'],
    },
    {
      case: 'vendor/ with a path that leaves it',
      files: { ...go, 'go.mod': 'module x', 'vendor/modules.txt': '# ../../x v1.1.0\n## explicit\nx\n' },
      says: ['vendor/modules.txt', 'no module'],
    },
    { case: 'no go.mod', files: { ...go }, says: ['go mod init'] },
    { case: 'go.mod without a module', files: { ...go, 'go.mod': 'go 1.24\n' }, says: ['no module line'] },
    {
      case: 'go.mod with an unknown word',
      files: { ...go, 'go.mod': 'module x\nrequires y v1.0.0\n' },
      says: ['go.mod:2', 'requires'],
    },
    { case: 'go.mod with an open block', files: { ...go, 'go.mod': 'module x\nrequire (\n' }, says: ['go.mod:2'] },
    {
      case: 'go.mod with a requirement without version',
      files: { ...go, 'go.mod': 'module x\nrequire (\n  y\n)\n' },
      says: ['go.mod:3', 'go mod tidy'],
    },
    { case: 'go.mod with code in its module path', files: { ...go, 'go.mod': 'module x"\n' }, says: ['go.mod:1'] },
    { case: 'Cargo.toml that is no TOML', files: { ...rust, 'Cargo.toml': '[package\n' }, says: ['Cargo.toml:1:'] },
    { case: 'an empty Cargo.toml', files: { ...rust, 'Cargo.toml': '' }, says: ['no [package]', 'cargo init --lib'] },
    {
      case: 'the root of a workspace',
      files: { ...rust, 'Cargo.toml': '[workspace]\nmembers = ["a"]\n' },
      says: ['workspace', 'Upload the folder of the package'],
    },
    {
      case: 'Cargo.toml with code in its name',
      files: { ...rust, 'Cargo.toml': '[package]\nname = "p\\n[dependencies]"\n' },
      says: ['package.name'],
    },
    {
      case: 'Cargo.toml with dependencies that are no table',
      files: { ...rust, 'Cargo.toml': `${ownPackage}[dependencies]\na = 1\n` },
      says: ['dependencies.a'],
    },
    {
      case: 'a library for C alone',
      files: { ...rust, 'Cargo.toml': `${ownPackage}[lib]\ncrate-type = ["cdylib"]\n` },
      says: ['crate-type'],
    },
    {
      case: 'a path of the library that is none',
      files: { ...rust, 'Cargo.toml': `${ownPackage}[lib]\npath = "${'x'.repeat(5000)}"\n` },
      says: ['lib.path'],
    },
    {
      case: 'another version of the SDK',
      files: {
        ...rust,
        'Cargo.toml': `${ownPackage}[dependencies]\nevents = { package = "cloudevents-sdk", version = "0.7" }\n`,
      },
      says: ['"0.7"', 'cloudevents-sdk = "0.9"'],
    },
    { case: 'a Dockerfile without FROM', files: { Dockerfile: 'RUN true' }, says: ['FROM'] },
  ])('is refused with its place: $case', async ({ files, says }) => {
    const request = 'p.go' in files ? ({ language: 'go' } as const) : {};
    const error = await plan(files, request).catch((reason) => reason);
    expect(error.reason).toBe('InvalidManifest');
    for (const part of says) {
      expect(error.message).toContain(part);
    }
  });
});

test.each([
  'requests',
  'requests==2.32.4',
  'requests [security] >= 2.8.1, == 2.8.* ; python_version < "3.9"',
  'requests @ https://example.com/requests.whl',
  'git+https://github.com/psf/requests@main',
  '-r other.txt',
  '-c other.txt',
  '--find-links wheels',
  '--no-index',
  'six==1.16.0 --config-settings="--build-option=x" --hash=sha256:00',
  '.',
  './local[extra] ; python_version > "3"',
  '--index-url https://example.com/simple',
  './local',
  'lib/package.whl',
  'cryptography==1 \\\n  --hash=sha256:00',
  '# a comment',
  'requests # a comment',
  '\ufeffrequests\r\nnumpy',
])('requirements.txt may have %j', async (text) => {
  const named = {
    'other.txt': '-r requirements.txt',
    'wheels/six.whl': '',
    'local/setup.py': '',
    'lib/package.whl': '',
  };
  await plan({ ...python, ...named, 'requirements.txt': text });
});

test('an editable requirement is installed as any other', async () => {
  const planned = await plan({
    ...python,
    'requirements.txt':
      '-r base.txt\n-c "limits/c.txt"\n--requirement=https://x/r.txt\n-e ./lib\n--editable=.\n-e git+https://x/y#egg=y\nsix',
    'base.txt': 'numpy',
    'limits/c.txt': 'six<2',
    'lib/setup.py': '',
  });
  expect(ours(planned, 'project-requirements.txt')).toBe(
    '-r ../base.txt\n-c "../limits/c.txt"\n--requirement=https://x/r.txt\n./lib\n.\ngit+https://x/y#egg=y\nsix',
  );
  expect(ours(planned, 'Dockerfile')).toMatch(/COPY \. \.\nRUN .*-r \.knative-lambda\/project-requirements.txt/);
});

test('the dependencies of a project become a requirements file', async () => {
  const planned = await plan({
    ...python,
    'pyproject.toml':
      '[project]\nname = "x"\ndependencies = ["requests>=2", "numpy"]\n[tool.poetry.dependencies]\npython = "^3"',
  });
  expect(ours(planned, 'project-requirements.txt')).toBe('requests>=2\nnumpy\n');
  expect(ours(planned, 'Dockerfile')).toContain('-r .knative-lambda/project-requirements.txt || exit 65');
});

test.each([
  { origin: 'path = "libs/six"', line: './libs/six[x] ; python_version > "3"' },
  { origin: 'path = "libs/six", editable = true', line: './libs/six[x] ; python_version > "3"' },
  { origin: 'workspace = true', line: './libs/six[x] ; python_version > "3"' },
  { origin: 'url = "https://x/six.whl"', line: 'six[x] @ https://x/six.whl ; python_version > "3"' },
  {
    origin: 'git = "https://x/six", tag = "v1", subdirectory = "a"',
    line: 'six[x] @ git+https://x/six@v1#subdirectory=a ; python_version > "3"',
  },
])('a dependency comes from where uv takes it: $origin', async ({ origin, line }) => {
  const project = `[project]\ndependencies = ['six[x]>=1; python_version > "3"', "numpy"]\n[tool.uv.sources]\nsix = { ${origin} }`;
  const made = await plan({
    ...python,
    'libs/six/pyproject.toml': '[project]\nname = "Six"',
    'pyproject.toml': project,
  });
  expect(ours(made, 'project-requirements.txt')).toBe(`${line}\nnumpy\n`);
});

test.each([
  { case: 'src', files: { 'pyproject.toml': '', 'src/a/b.py': '' }, paths: ['src'] },
  {
    case: 'what setuptools says',
    files: { 'pyproject.toml': '[tool.setuptools.packages.find]\nwhere = ["lib"]', 'lib/a/b.py': '' },
    paths: ['lib'],
  },
  {
    case: 'what setup.cfg says',
    files: { 'setup.cfg': '[options]\npackage_dir =\n  =lib', 'lib/a/b.py': '' },
    paths: ['lib'],
  },
  {
    case: 'what setup.py says',
    files: { 'setup.py': 'setup(package_dir={"": "lib"})', 'lib/a/b.py': '' },
    paths: ['lib'],
  },
  {
    case: 'what hatch says',
    files: { 'pyproject.toml': '[tool.hatch.build.targets.wheel]\npackages = ["code/a"]', 'code/a/b.py': '' },
    paths: ['code'],
  },
  { case: 'no manifest', files: { 'src/a/b.py': '' }, paths: [] },
])('packages are found in folders: $case', async ({ files, paths }) => {
  const planned = await plan({ ...python, ...files });
  expect(JSON.parse(ours(planned, 'function.json') ?? '').paths ?? []).toEqual(paths);
});

test('the workspace of a Go function has what the user has in theirs', async () => {
  const planned = await plan(
    {
      ...go,
      'go.mod': 'module example.com/p\ngo 1.24',
      'go.work': 'go 1.25\nuse .\nuse ./lib\nreplace x.y/z => ./z',
      'go.work.sum': 'sums',
      'lib/go.mod': 'module example.com/lib',
      'lib/sub/f.go': 'package sub\nfunc Run() {}',
    },
    { language: 'go', handler: 'lib/sub.Run' },
  );
  expect(ours(planned, 'go.work')).toBe('go 1.25\n\nuse (\n\t..\n\t../lib\n\t./go\n)\n\nreplace x.y/z => ../z\n');
  expect(ours(planned, 'go.work.sum')).toBe('sums');
  expect(ours(planned, 'go/cmd/main.go')).toContain('function "example.com/lib/sub"');
});

test('what a Go function has in vendor/ is taken from there', async () => {
  const planned = await plan(
    {
      ...go,
      'go.mod': 'module x\nrequire y.z/a v1.2.0',
      'vendor/modules.txt': '# y.z/a v1.2.0\n## explicit; go 1.21\ny.z/a\n# y.z/none v1.0.0\n## explicit\n',
      'vendor/y.z/a/a.go': 'package a',
    },
    { language: 'go' },
  );
  expect(ours(planned, 'go.work')).toContain('replace y.z/a v1.2.0 => ../vendor/y.z/a\n');
  expect(ours(planned, 'go.work')).not.toContain('none');
  expect(ours(planned, 'go/vendored/y.z/a/go.mod')).toBe('module y.z/a\n\ngo 1.21\n');
});

test.each([
  { a: '1.24', b: '1.9', newer: '1.24' },
  { a: '1.24', b: '1.24.2', newer: '1.24.2' },
  { a: '1.25.1', b: '1.25.10', newer: '1.25.10' },
  { a: '1.25', b: '1.24.9', newer: '1.25' },
])('of go $a and $b, $newer is newer', ({ a, b, newer }) => {
  expect(newerGo(a, b)).toBe(newer);
  expect(newerGo(b, a)).toBe(newer);
});

describe('the lock file of a Rust build', () => {
  const locked = (name: string, version: string) => `[[package]]\nname = "${name}"\nversion = "${version}"\n`;
  const versions = (lock: string) =>
    (parse(lock) as { package: { name: string; version: string }[] }).package
      .map(({ name, version }) => `${name} ${version}`)
      .sort();

  test.each([
    { case: 'nothing is locked', users: undefined, merged: ['http 1.5.0', 'serde 1.0.229'] },
    {
      case: 'the same is locked',
      users: `version = 3\n\n${locked('p', '0.1.0')}\n${locked('serde', '1.0.100')}`,
      merged: ['http 1.5.0', 'p 0.1.0', 'serde 1.0.100'],
    },
    {
      case: 'an incompatible version is locked',
      users: `version = 4\r\n\r\n${locked('http', '0.2.1')}`.replaceAll('\n', '\r\n'),
      merged: ['http 0.2.1', 'http 1.5.0', 'serde 1.0.229'],
    },
    {
      case: 'other tables follow',
      users: `${locked('http', '1.0.0')}\n[[patch.unused]]\nname = "x"\nversion = "1.0.0"\n\n[metadata]\na = "b"\n`,
      merged: ['http 1.0.0', 'serde 1.0.229'],
    },
  ])("has the adapter's versions where $case", ({ users, merged }) => {
    const adapters = `# made by Cargo\nversion = 4\n\n${locked('http', '1.5.0')}\n${locked('serde', '1.0.229')}`;
    expect(versions(mergeLocks(users, adapters))).toEqual(merged);
  });

  test('is made of both', async () => {
    const planned = await plan({ ...rust, 'Cargo.toml': ownPackage, 'Cargo.lock': locked('tokio', '1.40.0') });
    const lock = ours(planned, 'rust/dependencies/Cargo.lock') ?? '';
    expect(versions(lock)).toContain('tokio 1.40.0');
    expect(versions(lock).filter((name) => name.startsWith('tokio ')).length).toBe(1);
    expect(versions(lock).some((name) => name.startsWith('axum '))).toBe(true);
  });
});

test('what Cargo reads from a root alone comes along to the program around a Rust package', async () => {
  const manifest = `${ownPackage}[patch.crates-io]\na = { path = "vendor/a" }\n[profile.release]\nlto = true\npanic = "abort"\n`;
  const program = parse(ours(await plan({ ...rust, 'Cargo.toml': manifest }), 'rust/Cargo.toml') ?? '');
  expect(program).toMatchObject({
    patch: { 'crates-io': { a: { path: '../../vendor/a' } } },
    profile: { release: { lto: true, panic: 'unwind' } },
    dependencies: { function: { package: 'p', path: '../..' } },
  });
});

test('the dependencies of a Rust package are compiled with its features and without its code', async () => {
  const manifest = `${ownPackage}version = "1.2.3"\ndescription = "x"\n[features]\ndefault = ["a"]\n[dependencies]\na = { version = "1", optional = true }\n[target.'cfg(unix)'.dependencies]\nb = "2"\n[dev-dependencies]\nc = "3"\n`;
  const alone = ours(await plan({ ...rust, 'Cargo.toml': manifest }), 'rust/dependencies/library/Cargo.toml') ?? '';
  expect(parse(alone)).toEqual({
    package: { name: 'p', version: '1.2.3', edition: '2021' },
    features: { default: ['a'] },
    dependencies: { a: { version: '1', optional: true } },
    target: { 'cfg(unix)': { dependencies: { b: '2' } } },
  });
});
