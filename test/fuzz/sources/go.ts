/** Go sources: modules, workspaces, vendored packages, files that the go tool leaves out, and code. */
import type { Random } from './random.ts';
import { addOne, emptySource, type Part, type Source } from './source.ts';

interface GoContext {
  /** Lines of go.mod. */
  mod: string[];
  folder: string;
  /** `example.com/dep` with a function Rows is there. */
  dependency: boolean;
}

const BROKEN = 'this is no Go\n';
const DEP = 'package dep\n\nfunc Rows() int { return 7 }\n';

const modules: Part<GoContext>[] = [
  { name: 'a module', weight: 8, add: () => undefined },
  {
    name: 'replace by a folder',
    weight: 2,
    add(source, context, random) {
      const folder = random.pick(['./dep', './libs/dep', '../outside']);
      context.mod.push('require example.com/dep v1.0.0', `replace example.com/dep => ${folder}`);
      if (folder.startsWith('../')) {
        source.faults.push({ when: 'build', says: /outside/ }, { when: 'before', says: /outside/ });
      } else {
        source.files[`${folder.slice(2)}/go.mod`] = 'module example.com/dep\n\ngo 1.24\n';
        source.files[`${folder.slice(2)}/dep.go`] = DEP;
        context.dependency = true;
        source.marks.push({
          name: 'replace',
          refused: /go\.mod/,
          heeded: (plan) => plan.installReads(`${folder.slice(2)}/go.mod`),
        });
      }
    },
  },
  {
    name: 'vendor',
    weight: 2,
    add(source, context, random) {
      const agrees = random.chance(0.7);
      context.mod.push(`require example.com/dep ${agrees ? 'v1.0.0' : 'v1.1.0'}`);
      source.files['vendor/modules.txt'] = '# example.com/dep v1.0.0\n## explicit; go 1.24\nexample.com/dep\n';
      source.files['vendor/example.com/dep/dep.go'] = DEP;
      context.dependency = agrees;
      source.marks.push({
        name: 'vendor/',
        refused: /vendor/,
        heeded: (plan) => plan.says('module example.com/dep') && plan.installReads('vendor/modules.txt'),
      });
      if (!agrees) {
        source.faults.push({ when: 'before', says: /vendor\/modules\.txt/ });
      }
    },
  },
  {
    name: 'go.work',
    weight: 2,
    add(source, context, random) {
      const use = random.pick([
        'use (\n\t.\n\t./dep\n)',
        'use .\nuse ./dep',
        'use ./dep',
        'use ./nowhere',
        'use ../outside',
      ]);
      source.files['go.work'] = `go 1.24\n\n${use}\n`;
      source.files['dep/go.mod'] = 'module example.com/dep\n\ngo 1.24\n';
      source.files['dep/dep.go'] = DEP;
      if (use.includes('./dep')) {
        context.dependency = true;
        source.marks.push({
          name: 'go.work',
          refused: /go\.work/,
          heeded: (plan) => plan.says('./dep') || plan.says('../dep'),
        });
      } else {
        source.faults.push({ when: 'before', says: /go\.work/ });
      }
    },
  },
  {
    name: 'replace in go.work',
    add(source) {
      source.files['go.work'] = 'go 1.24\n\nuse .\n\nreplace example.com/dep => ./dep\n';
      source.files['dep/go.mod'] = 'module example.com/dep\n\ngo 1.24\n';
      source.files['dep/dep.go'] = DEP;
      source.marks.push({
        name: 'replace of go.work',
        refused: /go\.work/,
        heeded: (plan) => plan.says('replace example.com/dep => ../dep'),
      });
      source.loose = true;
    },
  },
  {
    name: 'a module that is nowhere',
    weight: 0.5,
    add(source, context) {
      context.mod.push('require mod.nobody.invalid/dep v1.0.0');
      source.faults.push({ when: 'build', says: /mod\.nobody\.invalid/ });
      source.slow = true;
    },
  },
  {
    name: 'a Go that is too new',
    add(source, context) {
      context.mod[1] = 'go 1.99';
      source.faults.push({ when: 'build', says: /1\.99/ });
      source.slow = true;
    },
  },
  {
    name: 'a go.mod that is none',
    add(source, context, random) {
      context.mod = [
        random.pick([
          'modul x',
          'require (',
          'module',
          'module "a b"',
          'module x\ngo latest',
          'module x\nrequire example.com/dep',
          '{"a": 1}',
          '',
        ]),
      ];
      source.faults.push({ when: 'before', says: /go\.mod/ }, { when: 'build', says: /go\.mod/ });
    },
  },
  {
    name: 'no go.mod',
    add(source, context) {
      context.mod = [];
      source.faults.push({ when: 'before', says: /go\.mod/ });
    },
  },
];

const others: Part<GoContext>[] = [
  { name: 'one file', weight: 4, add: () => undefined },
  {
    name: 'files that go leaves out',
    weight: 4,
    add(source, { folder }, random) {
      const [name, text] = random.pick([
        ['_draft.go', BROKEN],
        ['.hidden.go', BROKEN],
        ['parser_windows.go', 'package parser\n\nfunc Handle() {}\n'],
        ['parser_test.go', BROKEN],
        ['gen.go', '//go:build ignore\n\npackage main\n\nfunc main() {}\n'],
        ['old.go', '// +build ignore\n\npackage main\n\nfunc main() {}\n'],
        ['parser_arm.go', 'package parser\n\nfunc Handle() {}\n'],
        ['win.go', '//go:build windows || (darwin && !cgo)\n\npackage other\n'],
        ['c.go', 'package parser\n\nimport "C"\n\nfunc Handle() {}\n'],
        ['testdata/x.go', BROKEN],
        ['parser_linux.go', 'package parser\n\nvar onLinux = 1\n'],
        ['doc.go', '// Package documentation is here.\npackage documentation\n'],
      ] as [string, string][]);
      source.files[folder + name] = text;
    },
  },
  {
    name: 'two packages',
    add(source, { folder }) {
      source.files[`${folder}other.go`] = 'package other\n';
      source.faults.push({ when: 'build', says: /other|found packages/ });
    },
  },
];

const HANDLE = 'func Handle(ctx context.Context, event cloudevents.Event) (any, error)';
const IMPORTS = 'import (\n\t"context"\n\n\tcloudevents "github.com/cloudevents/sdk-go/v2"\n)\n';

interface Code {
  name: string;
  weight?: number;
  text: string;
  fault?: Source['faults'][number];
  dependency?: boolean;
}

const ANSWER = `${HANDLE} {\n\treturn map[string]int{"ok": 1}, nil\n}\n`;
const codes: Code[] = [
  { name: 'answers', weight: 6, text: `package parser\n\n${IMPORTS}\n${ANSWER}` },
  {
    name: 'uses the dependency',
    weight: 4,
    dependency: true,
    text: `package parser\n\n${IMPORTS.replace('"context"\n', '"context"\n\n\t"example.com/dep"')}\n${HANDLE} {\n\treturn map[string]int{"ok": dep.Rows()}, nil\n}\n`,
  },
  {
    name: 'an error',
    text: `package parser\n\n${IMPORTS.replace('"context"', '"context"\n\t"errors"')}\n${HANDLE} {\n\treturn nil, errors.New("rows are missing")\n}\n`,
    fault: { when: 'call', says: /rows are missing/ },
  },
  {
    name: 'panics',
    text: `package parser\n\n${IMPORTS}\n${HANDLE} {\n\tpanic("rows are missing")\n}\n`,
    fault: { when: 'call', says: /rows are missing/ },
  },
  {
    name: 'does not compile',
    text: `package parser\n\n${IMPORTS}\n${HANDLE} {\n\treturn nothingHere, nil\n}\n`,
    fault: { when: 'build', says: /parser\.go:\d+.*nothingHere/ },
  },
  {
    name: 'a syntax error',
    text: `package parser\n\n${IMPORTS}\n${HANDLE} {\n\treturn map[string]int{"ok": 1\n}\n`,
    fault: { when: 'build', says: /parser\.go:\d+.*syntax error/ },
  },
  {
    name: 'an unused import',
    text: `package parser\n\n${IMPORTS.replace('"context"', '"context"\n\t"os"')}\n${ANSWER}`,
    fault: { when: 'build', says: /"os" imported and not used/ },
  },
  {
    name: 'package main',
    text: `package main\n\n${IMPORTS}\n${ANSWER}\nfunc main() {}\n`,
    fault: { when: 'before', says: /package main/ },
  },
  { name: 'another name', text: 'package parser\n\nfunc Parse() {}\n', fault: { when: 'before', says: /Handle/ } },
  { name: 'not exported', text: 'package parser\n\nfunc handle() {}\n', fault: { when: 'before', says: /Handle/ } },
  {
    name: 'another signature',
    text: 'package parser\n\nfunc Handle(a int, b string) {}\n',
    fault: { when: 'build', says: /Handle|cannot use/ },
  },
  {
    name: 'a package that is not required',
    text: `package parser\n\n${IMPORTS.replace('"context"\n', '"context"\n\n\t_ "mod.nobody.invalid/rows"')}\n${ANSWER}`,
    fault: { when: 'build', says: /mod\.nobody\.invalid\/rows/ },
  },
  {
    name: 'fails at the start',
    text: `package parser\n\n${IMPORTS}\nfunc init() { panic("DATABASE_URL is missing") }\n\n${ANSWER}`,
    fault: { when: 'start', says: /DATABASE_URL is missing/ },
  },
  {
    name: 'a file to embed that is not there',
    text: `package parser\n\n${IMPORTS.replace('"context"', '"context"\n\t_ "embed"')}\n//go:embed rows.csv\nvar rows string\n\n${ANSWER}`,
    fault: { when: 'build', says: /rows\.csv/ },
  },
  { name: 'an empty file', text: '', fault: { when: 'before', says: /Handle|package/ } },
];

const code: Part<GoContext>[] = codes.map(({ name, weight = 1, text, fault, dependency = false }) => ({
  name,
  weight,
  add(source, context) {
    const usable = !dependency || context.dependency;
    source.files[`${context.folder}parser.go`] = usable ? text : (codes[0] as Code).text;
    if (fault && usable) {
      source.faults.push(fault);
    }
  },
}));

export function goSource(random: Random): Source {
  const source = emptySource('go');
  const context: GoContext = {
    mod: ['module example.com/parser', 'go 1.24'],
    folder: random.pick(['', '', '', 'rows/', 'internal/rows/']),
    dependency: false,
  };
  if (context.folder !== '') {
    source.request = {
      handler: `${random.pick([context.folder.slice(0, -1), context.folder.slice(0, -1).replaceAll('/', '.')])}.Handle`,
    };
  }
  if (context.folder.startsWith('internal/')) {
    source.faults.push({ when: 'before', says: /internal/ });
  }
  addOne(source, modules, context, random);
  addOne(source, others, context, random);
  addOne(source, code, context, random);
  if (context.mod.length > 0) {
    source.files['go.mod'] = `${context.mod.join('\n\n')}\n`;
  }
  return source;
}
