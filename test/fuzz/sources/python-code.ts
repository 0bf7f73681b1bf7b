/** Handlers in Python, right and wrong. */
import { posix } from 'node:path';
import type { Part, Source } from './source.ts';

export interface PythonContext {
  /** Of the file with the handler. */
  path: string;
  /** The module `dep` is there when the manifests are heeded. */
  dependency: boolean;
}

interface Code {
  name: string;
  weight?: number;
  text: string;
  /** Beside the file. */
  files?: Record<string, string>;
  /** Nobody finds it where parameters.handler names `handler`. */
  unnamed?: boolean;
  fault?: Source['faults'][number];
  slow?: boolean;
  when?: (context: PythonContext, source: Source) => boolean;
}

const HANDLER = 'def handler(event):\n    return {"ok": 1}\n';
const isTop = ({ path }: PythonContext) => !path.includes('/');

const codes: Code[] = [
  { name: 'answers', weight: 8, text: HANDLER },
  {
    name: 'answers later',
    weight: 2,
    text: 'import asyncio\nasync def handler(event):\n    await asyncio.sleep(0)\n    return {"ok": 1}\n',
  },
  { name: 'handle', unnamed: true, text: 'def handle(event):\n    return {"ok": 1}\n' },
  {
    name: 'an object',
    text: 'class Parser:\n    def __call__(self, event):\n        return {"ok": 1}\n\nhandler = Parser()\n',
  },
  { name: 'an event and a context', text: 'def handler(event, context=None):\n    return {"ok": 1}\n' },
  {
    name: 'too many parameters',
    text: 'def handler(event, context, more, even_more):\n    return {"ok": 1}\n',
    fault: { when: 'build', says: /takes|parameter|argument/ },
  },
  {
    name: 'no parameter',
    text: 'def handler():\n    return {"ok": 1}\n',
    fault: { when: 'build', says: /takes|parameter|argument/ },
  },
  {
    name: 'another name',
    text: 'def lambda_handler(event):\n    return 1\n',
    fault: { when: 'before', says: /handler/ },
  },
  { name: 'an empty file', text: '', fault: { when: 'before', says: /handler/ } },
  {
    name: 'raises in the call',
    text: 'def handler(event):\n    raise ValueError("rows are missing")\n',
    fault: { when: 'call', says: /rows are missing/ },
  },
  {
    name: 'a syntax error',
    text: `x = (1,\n${HANDLER}`,
    fault: { when: 'build', says: /SyntaxError|was never closed|invalid syntax/ },
  },
  {
    name: 'tabs and blanks',
    text: 'def handler(event):\n\tif event:\n        return 1\n',
    fault: { when: 'build', says: /TabError|Indentation|inconsistent/ },
  },
  { name: 'a name that is not defined', text: `helper()\n${HANDLER}`, fault: { when: 'build', says: /helper/ } },
  {
    name: 'raises at import',
    text: `raise ValueError("rows are wrong")\n${HANDLER}`,
    fault: { when: 'build', says: /rows are wrong/ },
  },
  {
    name: 'a variable of the pod',
    text: `import os\nURL = os.environ["ONLY_IN_POD"]\n${HANDLER}`,
    fault: { when: 'start', says: /ONLY_IN_POD/ },
  },
  {
    name: 'an undeclared package',
    text: `import leftpad_nobody\n${HANDLER}`,
    fault: { when: 'build', says: /leftpad_nobody/ },
  },
  {
    name: 'a file beside it',
    text: 'import beside\ndef handler(event):\n    return {"ok": beside.ROWS}\n',
    files: { 'beside.py': 'ROWS = 1\n' },
    when: isTop,
  },
  {
    name: 'a relative import',
    text: 'from .beside import ROWS\ndef handler(event):\n    return {"ok": ROWS}\n',
    files: { 'beside.py': 'ROWS = 1\n' },
    fault: { when: 'build', says: /relative import|beside/ },
    when: (context) => isTop(context),
  },
  {
    name: 'a relative import in a package',
    text: 'from .beside import ROWS\ndef handler(event):\n    return {"ok": ROWS}\n',
    files: { 'beside.py': 'ROWS = 1\n' },
    when: ({ path }) => /^(?:app|a)\//.test(path),
  },
  {
    name: 'a name that the file has not',
    text: `from beside import nothing\n${HANDLER}`,
    files: { 'beside.py': 'ROWS = 1\n' },
    fault: { when: 'build', says: /nothing/ },
    when: isTop,
  },
  {
    name: 'a file that was not uploaded',
    text: `from nowhere_lib import rows\n${HANDLER}`,
    fault: { when: 'build', says: /nowhere_lib/ },
  },
  {
    name: 'the dependency',
    weight: 4,
    text: 'import dep\ndef handler(event):\n    return {"ok": dep.rows()}\n',
    when: ({ dependency }) => dependency,
  },
  {
    name: 'the package in src',
    weight: 3,
    text: 'from pkg.rows import VALUE\ndef handler(event):\n    return {"ok": VALUE}\n',
    when: (_, source) =>
      'src/pkg/rows.py' in source.files &&
      ['pyproject.toml', 'setup.cfg', 'setup.py'].some((file) => file in source.files),
  },
  { name: 'ends the process', text: `import sys\nsys.exit(3)\n${HANDLER}`, fault: { when: 'build', says: /exit/i } },
  { name: 'a file at import', text: `open("rows.csv")\n${HANDLER}`, fault: { when: 'build', says: /rows\.csv/ } },
  {
    name: 'a program at import',
    text: `import subprocess\nsubprocess.run(["no-such-program-here"], check=True)\n${HANDLER}`,
    fault: { when: 'build', says: /no-such-program-here/ },
  },
  {
    name: 'serves at import',
    weight: 0.1,
    text: 'from http.server import HTTPServer, BaseHTTPRequestHandler\nHTTPServer(("", 0), BaseHTTPRequestHandler).serve_forever()\ndef handler(event):\n    return 1\n',
    fault: { when: 'build', says: /100 s|does not end|import/ },
    slow: true,
  },
  { name: 'guarded main', text: `${HANDLER}if __name__ == "__main__":\n    raise SystemExit(handler({}))\n` },
  { name: 'a thread at import', text: `import threading\nthreading.Thread(target=lambda: None).start()\n${HANDLER}` },
  { name: 'Python 2', text: `print "rows"\n${HANDLER}`, fault: { when: 'build', says: /print|SyntaxError/ } },
];

export const pythonCode: Part<PythonContext>[] = codes.map((code) => ({
  name: code.name,
  ...(code.weight === undefined ? {} : { weight: code.weight }),
  add(source, context) {
    if (code.when !== undefined && !code.when(context, source)) {
      source.files[context.path] = HANDLER;
      return;
    }
    for (const [name, text] of Object.entries(code.files ?? {})) {
      source.files[posix.join(posix.dirname(context.path), name)] = text;
    }
    source.files[context.path] = code.text;
    source.slow ||= code.slow ?? false;
    if (code.unnamed && source.request.handler !== undefined) {
      source.faults.push({ when: 'before', says: /no function handler/ });
    }
    if (code.fault) {
      source.faults.push(code.fault);
    }
  },
}));
