/** What happens to a source between its author and the bucket: line ends, names, folders, files of other tools. */
import type { Random } from './random.ts';
import type { Part, Source } from './source.ts';

const MANIFESTS =
  /^(?:requirements\.txt|package\.json|pyproject\.toml|go\.mod|Cargo\.toml|Dockerfile|Pipfile|package-lock\.json)$/;

function eachText(source: Source, change: (text: string) => string): void {
  for (const [path, content] of Object.entries(source.files)) {
    if (typeof content === 'string') {
      source.files[path] = change(content);
    }
  }
}

/** One of its files; the same for the same number. */
function anyFile(source: Source, random: Random): string {
  return random.pick(Object.keys(source.files).sort());
}

export const layouts: Part<undefined>[] = [
  { name: 'as it is', weight: 14, add: () => undefined },
  {
    name: 'CRLF',
    weight: 2,
    add(source) {
      eachText(source, (text) => text.replaceAll('\r\n', '\n').replaceAll('\n', '\r\n'));
      source.loose ||= source.language === 'docker' || source.parts.includes('a shell script');
    },
  },
  {
    name: 'a byte order mark',
    weight: 2,
    add(source) {
      if (source.language === 'go') {
        source.faults.push({ when: 'build', says: /ufeff/ });
      }
      // pip reads that of a package as it is.
      if (Object.keys(source.files).some((path) => path.endsWith('/pyproject.toml'))) {
        source.faults.push({ when: 'build', says: /TOMLDecodeError/ });
      }
      eachText(source, (text) => (text === '' || text.startsWith('\uFEFF') ? text : `\uFEFF${text}`));
    },
  },
  {
    name: 'in a folder',
    add(source, _, random) {
      const folder = random.pick(['app', 'my-function', 'src']);
      source.files = Object.fromEntries(
        Object.entries(source.files).map(([path, content]) => [`${folder}/${path}`, content]),
      );
      source.loose = true;
      source.marks = [];
    },
  },
  {
    name: 'a manifest in other letters',
    add(source, _, random) {
      const path = Object.keys(source.files).find((name) => MANIFESTS.test(name));
      if (path === undefined) {
        return;
      }
      const renamed = random.pick([
        path.toUpperCase(),
        path.toLowerCase(),
        (path[0] ?? '').toUpperCase() + path.slice(1),
      ]);
      if (renamed === path) {
        return;
      }
      source.files[renamed] = source.files[path] ?? '';
      delete source.files[path];
      source.marks = [{ name: renamed, refused: new RegExp(renamed.replaceAll('.', '\\.')), heeded: () => false }];
      source.loose = true;
    },
  },
  {
    name: 'an empty file',
    add(source, _, random) {
      source.files[anyFile(source, random)] = '';
      source.loose = true;
      source.marks = [];
    },
  },
  {
    name: 'a file that is cut',
    add(source, _, random) {
      const path = anyFile(source, random);
      const content = source.files[path] ?? '';
      source.files[path] = content.slice(0, random.below(content.length + 1)) as typeof content;
      source.loose = true;
      source.marks = [];
    },
  },
  {
    name: 'a link of git as text',
    weight: 0.5,
    add(source, _, random) {
      source.files[anyFile(source, random)] = '../shared/file';
      source.loose = true;
      source.marks = [];
    },
  },
  {
    name: 'litter',
    weight: 3,
    add(source, _, random) {
      const [path, content] = random.pick([
        ['.DS_Store', '\0'],
        ['__pycache__/parser.cpython-311.pyc', '\0'],
        ['.git/HEAD', 'ref: refs/heads/main\n'],
        ['README.md', '# Rows\n'],
        ['node_modules/left-pad-nobody/index.js', 'throw new Error("of the machine it was made on")\n'],
        ['.venv/lib/dep.py', 'raise ValueError("of the machine")\n'],
        ['rows with blanks.csv', 'a;b\n'],
        ['zeilen-ä-行.csv', 'a;b\n'],
        ['.env', 'SECRET=1\n'],
        ['docker-compose.yml', 'services: {}\n'],
        ['Makefile', 'all:\n'],
        ['target/debug/x', '\0'],
        ['.dockerignore', '*\n'],
        ['.gitignore', '*\n'],
        ['tests/test_parser.py', 'import parser\n'],
        ['$(id).txt', 'a'],
        ["it's.txt", 'a'],
      ] as [string, string][]);
      source.files[path] ??= content;
      source.loose ||= path.startsWith('node_modules/') || (path === '.dockerignore' && source.language === 'docker');
    },
  },
  {
    name: 'manifests of another language',
    weight: 2,
    add(source, _, random) {
      const [path, content] = random.pick([
        ['package.json', '{"devDependencies":{"prettier":"3"}}\n'],
        ['requirements.txt', ''],
        ['go.mod', 'module x\n'],
        ['pyproject.toml', '[tool.ruff]\nline-length = 100\n'],
      ] as [string, string][]);
      source.files[path] ??= content;
      // It may be the only manifest that there is.
      source.loose = true;
    },
  },
  {
    name: 'two languages',
    add(source) {
      const added = source.language === 'python' ? 'index.js' : 'parser.py';
      source.files[added] ??= 'def handler(event): return 1\n';
      source.loose = true;
      source.marks = [];
    },
  },
  {
    name: 'the language is said',
    weight: 2,
    add(source) {
      source.request = { ...source.request, language: source.language };
    },
  },
  {
    name: 'another language is said',
    weight: 0.5,
    add(source, _, random) {
      source.request = {
        ...source.request,
        language: random.pick(['node', 'python', 'go', 'rust', 'docker'] as const),
      };
      source.loose ||= source.request.language !== source.language;
      source.marks = source.request.language === source.language ? source.marks : [];
    },
  },
];
