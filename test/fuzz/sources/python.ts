/** Python sources: every manifest that says what is installed, crossed with layouts and code. */
import { createHash } from 'node:crypto';
import { wheel } from '#test/fakes/zip.ts';
import { type PythonContext, pythonCode } from './python-code.ts';
import type { Random } from './random.ts';
import { addOne, emptySource, type Mark, type Part, type Source } from './source.ts';

/** The step that installs has the file. */
const reads = (path: string, refused = path): Mark => ({
  name: path,
  refused: new RegExp(refused.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')),
  heeded: (plan) => plan.installReads(path),
});
/** Nobody reads it, so it is refused by its name; or what we write has the text. */
const known = (name: string, text: string, refused: RegExp): Mark => ({
  name,
  refused,
  heeded: (plan) => plan.says(text),
});

const WHEEL = wheel('dep', '1.0');
const HASH = createHash('sha256').update(WHEEL.content).digest('hex');

function withWheel(source: Source, folder = 'wheels'): void {
  source.files[`${folder}/${WHEEL.file}`] = WHEEL.content;
}

function project(source: Source, folder: string, extra = ''): void {
  source.files[`${folder}/pyproject.toml`] =
    `[project]\nname = "dep"\nversion = "1.0"\n[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n[tool.setuptools]\npy-modules = ["dep"]\n${extra}`;
  source.files[`${folder}/dep.py`] = 'def rows():\n    return 7\n';
}

const requirements: Part<PythonContext>[] = [
  {
    name: 'a wheel by find-links',
    weight: 3,
    add(source, context, random) {
      withWheel(source);
      const link = random.pick([
        '--find-links ./wheels',
        '-f wheels',
        '--find-links=wheels',
        '--no-index\n-f ./wheels/',
      ]);
      source.files['requirements.txt'] = `${link}\ndep==1.0\n`;
      context.dependency = true;
      source.marks.push(reads('requirements.txt'), reads(`wheels/${WHEEL.file}`));
    },
  },
  {
    name: 'hashes',
    weight: 2,
    add(source, context, random) {
      withWheel(source);
      const right = random.chance(0.7);
      const form = random.pick([' \\\n    --hash=sha256:', ' --hash sha256:', ' --hash=sha256:']);
      source.files['requirements.txt'] = `-f ./wheels\ndep==1.0${form}${right ? HASH : '0'.repeat(64)}\n`;
      context.dependency = right;
      source.marks.push(reads(`wheels/${WHEEL.file}`));
      if (!right) {
        source.faults.push({ when: 'build', says: /HASH|hash/ });
      }
    },
  },
  {
    name: 'constraints',
    weight: 2,
    add(source, context, random) {
      withWheel(source);
      const file = random.pick(['constraints.txt', 'requirements/constraints.txt']);
      const right = random.chance(0.7);
      source.files[file] = right ? 'dep==1.0\n' : 'dep==2.0\n';
      source.files['requirements.txt'] =
        `${random.pick(['-c ', '--constraint ', '--constraint=', '-c'])}${file}\n-f wheels\ndep\n`;
      context.dependency = right;
      source.marks.push(reads(file));
      if (!right) {
        source.faults.push({ when: 'build', says: /dep/ });
      }
    },
  },
  {
    name: 'a file of a file',
    weight: 2,
    add(source, context, random) {
      withWheel(source);
      source.files['requirements/base.txt'] = random.pick([
        'dep==1.0\n',
        '-r more.txt\n',
        '-c ../constraints.txt\ndep\n',
      ]);
      source.files['requirements/more.txt'] = 'dep\n';
      source.files['constraints.txt'] = 'dep==1.0\n';
      source.files['requirements.txt'] =
        `-f wheels\n${random.pick(['-r ', '--requirement ', '--requirement='])}requirements/base.txt\n`;
      context.dependency = true;
      source.marks.push(reads('requirements/base.txt'), reads('requirements/more.txt'), reads('constraints.txt'));
    },
  },
  {
    name: 'a folder',
    weight: 2,
    add(source, context, random) {
      project(source, 'libs/dep');
      const line = random.pick([
        './libs/dep',
        '-e ./libs/dep',
        '-e libs/dep',
        '--editable=./libs/dep',
        'dep @ file:./libs/dep',
        './libs/dep ; python_version > "3.0"',
      ]);
      source.files['requirements.txt'] = `${line}\n`;
      context.dependency = true;
      source.slow = true;
      source.loose = line.startsWith('dep @');
      source.marks.push(reads('libs/dep/pyproject.toml', 'dep'));
    },
  },
  {
    name: 'a folder with settings for its build',
    add(source, context, random) {
      project(source, 'libs/dep');
      source.files['requirements.txt'] =
        `./libs/dep ${random.pick(['--config-settings="--global-option=-q"', '--config-setting "a=b"', "--config-settings='a=b'"])}\n`;
      context.dependency = true;
      source.slow = true;
      source.marks.push(reads('libs/dep/pyproject.toml', 'dep'));
    },
  },
  {
    name: 'a folder whose own sources are those of uv',
    add(source, _, random) {
      project(source, 'libs/dep', '[tool.uv.sources]\nrows = { path = "../rows" }\n');
      source.files['requirements.txt'] = random.pick(['./libs/dep\n', '-e libs/dep\n']);
      source.marks.push({ name: '[tool.uv.sources] of a folder', refused: /tool\.uv\.sources/, heeded: () => false });
    },
  },
  {
    name: 'what is nowhere',
    add(source, _, random) {
      const line = random.pick([
        'dep-nobody-here-9==1.0',
        'dep==9.9',
        '-r nowhere.txt',
        './nowhere',
        '-c nowhere.txt',
        '-f ./nowhere-links',
        'nowhere-1.0-py3-none-any.whl',
      ]);
      withWheel(source);
      source.files['requirements.txt'] = `--no-index\n-f wheels\n${line}\n`;
      source.faults.push({ when: 'build', says: /nowhere|dep/ }, { when: 'before', says: /nowhere/ });
    },
  },
  {
    name: 'lines that are none',
    add(source, _, random) {
      source.files['requirements.txt'] =
        `${random.pick(['import os', 'requests = "^2"', 'pip install requests', '<<<<<<< HEAD', '{"a": 1}', 'dep==1.0 dep2==1.0', 'dep=1.0', '[packages]', '-x dep', '--no-such-option', 'dep>1,<'])}\n`;
      source.faults.push(
        { when: 'before', says: /requirements\.txt:1/ },
        { when: 'build', says: /requirement|option|usage/i },
      );
    },
  },
  {
    name: 'markers',
    add(source, context, random) {
      withWheel(source);
      source.files['requirements.txt'] =
        `-f wheels\ndep==1.0 ${random.pick(["; python_version >= '3.8'", '; sys_platform == "linux"'])}\nnobody-here-7==1 ; sys_platform == "win32"\n`;
      context.dependency = true;
    },
  },
  {
    name: 'nothing in it',
    add(source, _, random) {
      source.files['requirements.txt'] = random.pick(['', '\n', '# none\n', '   \n\t\n']);
    },
  },
  {
    name: 'addresses',
    add(source, _, random) {
      const line = random.pick([
        'git+https://git.nobody.invalid/a/dep.git@main#egg=dep',
        'dep @ git+https://git.nobody.invalid/a/dep.git',
        'https://files.nobody.invalid/dep-1.0.tar.gz',
        'dep @ https://files.nobody.invalid/dep-1.0-py3-none-any.whl',
        '-e git+https://git.nobody.invalid/a/dep.git#egg=dep',
        '--index-url https://pip.nobody.invalid/simple\ndep',
      ]);
      source.files['requirements.txt'] = `${line}\n`;
      source.marks.push({
        name: 'address',
        refused: /nobody/,
        heeded: (plan) => plan.installReads('requirements.txt') || plan.says('nobody.invalid'),
      });
      source.faults.push({ when: 'build', says: /nobody\.invalid|dep/ });
      source.slow = true;
    },
  },
];

const TOML = (text: string) => `[project]\nname = "fn"\nversion = "1.0"\n${text}`;

const projects: Part<PythonContext>[] = [
  {
    name: '[project] without dependencies',
    weight: 2,
    add(source) {
      source.files['pyproject.toml'] = TOML('');
    },
  },
  {
    name: '[project] dependencies',
    weight: 2,
    add(source) {
      source.files['pyproject.toml'] = TOML('dependencies = ["dep-nobody-here-9>=1"]\n');
      source.marks.push(known('[project] dependencies', 'dep-nobody-here-9', /dependencies/));
      source.faults.push({ when: 'build', says: /dep-nobody-here-9/ });
      source.slow = true;
    },
  },
  {
    name: 'sources of uv',
    weight: 3,
    add(source, context, random) {
      const [toml, text] = random.pick([
        ['dep = { path = "libs/dep" }', 'libs/dep'],
        ['dep = { path = "./libs/dep", editable = true }', 'libs/dep'],
        ['dep = { workspace = true }', 'libs/dep'],
        ['dep = { git = "https://git.nobody.invalid/dep", rev = "abc" }', 'git.nobody.invalid/dep@abc'],
        ['dep = { url = "https://files.nobody.invalid/dep-1.0.tar.gz" }', 'files.nobody.invalid'],
        ['dep = { index = "internal" }', '\0'],
        ['dep = [{ path = "libs/dep", marker = "sys_platform == \'linux\'" }]', '\0'],
        ['dep = { path = "../outside" }', '\0'],
        ['Dep = { path = "libs/dep" }', 'libs/dep'],
      ] as [string, string][]);
      project(source, 'libs/dep');
      source.files['pyproject.toml'] = TOML(`dependencies = ["dep"]\n[tool.uv.sources]\n${toml}\n`);
      source.marks.push(known('[tool.uv.sources]', text, /tool\.uv\.sources/));
      context.dependency = text === 'libs/dep';
      source.slow = true;
      source.loose = text !== 'libs/dep';
    },
  },
  {
    name: 'what other tools list',
    weight: 3,
    add(source, _, random) {
      const [toml, refused] = random.pick([
        ['[tool.poetry]\nname = "fn"\n[tool.poetry.dependencies]\npython = "^3"\ndep = "^1"\n', /tool\.poetry/],
        ['[tool.poetry.dependencies]\ndep = { git = "https://x.invalid/dep" }\n', /tool\.poetry/],
        [TOML('dependencies = ["dep"]\n[tool.poetry.dependencies]\ndep = { path = "libs/dep" }\n'), /tool\.poetry/],
        [TOML('[tool.poetry.group.prod.dependencies]\ndep = "1"\n'), /tool\.poetry/],
        [TOML('[dependency-groups]\nprod = ["dep"]\n'), /dependency-groups/],
        [
          TOML('dependencies = ["dep"]\n[[tool.uv.index]]\nurl = "https://pip.nobody.invalid/simple"\n'),
          /tool\.uv\.index/,
        ],
        [TOML('dependencies = ["dep"]\n[tool.uv]\noverride-dependencies = ["dep==2"]\n'), /override-dependencies/],
        [TOML('dependencies = ["dep"]\n[tool.uv]\nconstraint-dependencies = ["dep==2"]\n'), /constraint-dependencies/],
        [
          TOML(
            'dependencies = ["dep"]\n[[tool.poetry.source]]\nname = "a"\nurl = "https://pip.nobody.invalid/simple"\n',
          ),
          /tool\.poetry\.source/,
        ],
        [
          TOML('dependencies = ["dep"]\n[[tool.pdm.source]]\nname = "a"\nurl = "https://pip.nobody.invalid/simple"\n'),
          /tool\.pdm\.source/,
        ],
        [TOML('dynamic = ["dependencies"]\n'), /dynamic/],
        [TOML('dependencies = ["dep"]\n[[tool.uv.index]]\nname = "internal"\n'), /tool\.uv\.index/],
        ['[tool.flit.metadata]\nmodule = "fn"\nrequires = ["dep"]\n', /flit/],
        ['[tool.pixi.dependencies]\ndep = "1"\n', /pixi/],
        [TOML('dependencies = ["dep"]\n[tool.pdm.resolution.overrides]\ndep = "2"\n'), /pdm\.resolution/],
        [TOML('dependencies = ["dep"]\n[tool.uv]\nindex-url = "https://pip.nobody.invalid/simple"\n'), /index-url/],
        [
          TOML('dependencies = ["dep"]\n[[tool.uv.dependency-metadata]]\nname = "dep"\nrequires-dist = ["rows"]\n'),
          /dependency-metadata/,
        ],
        [
          TOML('dependencies = ["dep"]\n[tool.uv.pip]\nindex-url = "https://pip.nobody.invalid/simple"\n'),
          /tool\.uv\.pip/,
        ],
        [
          TOML('dynamic = ["dependencies"]\n[tool.setuptools.dynamic]\ndependencies = { file = ["reqs.in"] }\n'),
          /dynamic/,
        ],
      ] as [string, RegExp][]);
      source.files['pyproject.toml'] = toml;
      source.marks.push({ name: String(refused), refused, heeded: () => false });
      source.loose = true;
    },
  },
  {
    name: 'a lock file beside it',
    weight: 2,
    add(source, _, random) {
      const [file, text] = random.pick([
        [
          'uv.lock',
          'version = 1\n[[package]]\nname = "dep-nobody-here-9"\nversion = "1.2.3"\nsource = { registry = "https://pypi.org/simple" }\n',
        ],
        ['poetry.lock', '[[package]]\nname = "dep-nobody-here-9"\nversion = "1.2.3"\n'],
        ['pdm.lock', '[[package]]\nname = "dep-nobody-here-9"\nversion = "1.2.3"\n'],
        ['pylock.toml', 'lock-version = "1.0"\n[[packages]]\nname = "dep-nobody-here-9"\nversion = "1.2.3"\n'],
      ] as [string, string][]);
      source.files['pyproject.toml'] = TOML('dependencies = ["dep-nobody-here-9>=1"]\n');
      source.files[file] = text;
      source.marks.push(known(file, 'dep-nobody-here-9==1.2.3', new RegExp(file.replace('.', '\\.'))));
      source.faults.push({ when: 'build', says: /dep-nobody-here-9/ });
      source.slow = true;
    },
  },
  {
    name: 'manifests that are not read',
    weight: 3,
    add(source, _, random) {
      const [file, text] = random.pick([
        ['Pipfile', '[packages]\ndep = "*"\n'],
        ['setup.py', 'from setuptools import setup\nsetup(name="fn", install_requires=["dep"])\n'],
        ['setup.cfg', '[options]\ninstall_requires =\n    dep\n'],
        ['environment.yml', 'dependencies:\n  - dep\n'],
        ['requirements.in', 'dep\n'],
        ['requirements-prod.txt', 'dep\n'],
        ['requirements/base.txt', 'dep\n'],
        ['Pipfile.lock', '{"default": {"dep": {"version": "==1.0"}}}\n'],
        ['conda.yaml', 'dependencies:\n  - dep\n'],
        ['requirements/prod.in', 'dep\n'],
        ['pylock.toml', 'lock-version = "1.0"\n[[packages]]\nname = "dep"\nversion = "1.2.3"\n'],
      ] as [string, string][]);
      source.files[file] = text;
      source.marks.push({ name: file, refused: new RegExp(file.replaceAll('.', '\\.')), heeded: () => false });
    },
  },
  {
    name: 'TOML that is none',
    add(source, _, random) {
      source.files['pyproject.toml'] = random.pick([
        '[project\n',
        'dependencies = [\n',
        '[project]\ndependencies = "dep"\n',
        '[project]\nname = 1\n',
        '[project]\ndependencies = ["dep", 7]\n',
        '<<<<<<< HEAD\n[project]\n',
      ]);
      source.faults.push({ when: 'before', says: /pyproject\.toml/ });
    },
  },
];

const manifests: Part<PythonContext>[] = [
  { name: 'no manifest', weight: 4, add: () => undefined },
  {
    name: 'requirements.txt',
    weight: 6,
    add: (source, context, random) => addOne(source, requirements, context, random),
  },
  { name: 'a project', weight: 4, add: (source, context, random) => addOne(source, projects, context, random) },
];

const places: Part<PythonContext>[] = [
  {
    name: 'usual name',
    weight: 6,
    add(_, context, random) {
      context.path = random.pick(['parser.py', 'main.py', 'handler.py']);
    },
  },
  {
    name: 'parameters.handler',
    weight: 3,
    add(source, context, random) {
      const [path, module] = random.pick([
        ['app.py', 'app'],
        ['app/main.py', 'app.main'],
        ['app/__init__.py', 'app'],
        ['a/b/c.py', 'a/b/c'],
        ['parser.v2.py', 'parser.v2'],
        ['my-parser.py', 'my-parser'],
        ['json_rows.py', 'json_rows'],
        ['src/app/rows.py', 'src/app/rows'],
        ['2rows.py', '2rows'],
        ['select.py', 'select'],
        ['json.py', 'json'],
      ] as [string, string][]);
      context.path = path;
      source.request = { ...source.request, handler: `${module}.handler` };
      source.loose ||= ['select.py', 'json.py'].includes(path);
    },
  },
  {
    name: 'an unusual name',
    weight: 1,
    add(source, context) {
      context.path = 'lambda_function.py';
      source.faults.push({ when: 'before', says: /parser\.py|parameters/ });
    },
  },
  {
    name: 'a src layout',
    weight: 1.5,
    add(source, context, random) {
      context.path = random.pick(['parser.py', 'main.py']);
      source.files['src/pkg/__init__.py'] = '';
      source.files['src/pkg/rows.py'] = 'VALUE = 7\n';
    },
  },
];

export function pythonSource(random: Random): Source {
  const source = emptySource('python');
  const context: PythonContext = { path: 'parser.py', dependency: false };
  addOne(source, places, context, random);
  addOne(source, manifests, context, random);
  addOne(source, pythonCode, context, random);
  return source;
}
