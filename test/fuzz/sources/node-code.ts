/** Handlers in JavaScript and TypeScript, right and wrong. */
import { posix } from 'node:path';
import type { Part, Source } from './source.ts';

export interface NodeContext {
  manifest: Record<string, unknown>;
  /** Of the file with the handler. */
  path: string;
  esm: boolean;
  typescript: boolean;
  /** A package that the code may import: from a folder of the source. */
  dependency: boolean;
}

interface Code {
  name: string;
  weight?: number;
  /** Before the handler; `$` begins a line of CommonJS, `@` one of ES modules. */
  top?: string[];
  esm?: string[];
  cjs?: string[];
  body?: string;
  files?: Record<string, string>;
  /** In place of the usual export. */
  whole?: { esm: string; cjs: string };
  /** Nobody finds it where parameters.handler names `handler`. */
  unnamed?: boolean;
  fault?: Source['faults'][number];
  slow?: boolean;
  when?: (context: NodeContext) => boolean;
}

const PLAIN: Code = { name: 'answers', weight: 8 };

const codes: Code[] = [
  PLAIN,
  {
    name: 'answers later',
    weight: 2,
    body: 'return new Promise((resolve) => setTimeout(() => resolve({ ok: 1 }), 5));',
  },
  {
    name: 'a default export',
    unnamed: true,
    whole: { esm: 'export default () => ({ ok: 1 });\n', cjs: 'module.exports = () => ({ ok: 1 });\n' },
  },
  {
    name: 'handle',
    unnamed: true,
    whole: {
      esm: 'export const handle = async () => ({ ok: 1 });\n',
      cjs: 'exports.handle = async () => ({ ok: 1 });\n',
    },
  },
  {
    name: 'an exported list',
    whole: {
      esm: 'const handler = () => ({ ok: 1 });\nexport { handler };\n',
      cjs: 'function handler() { return { ok: 1 }; }\nmodule.exports = { handler };\n',
    },
  },
  {
    name: 'another name',
    whole: { esm: 'export function lambda() {}\n', cjs: 'exports.lambda = () => {};\n' },
    fault: { when: 'before', says: /handler.* in |no function/ },
  },
  {
    name: 'exports nothing',
    whole: { esm: 'const a = 1;\n', cjs: 'const b = 1;\n' },
    fault: { when: 'before', says: /handler/ },
  },
  {
    name: 'exports what is no function',
    whole: { esm: 'export const handler = 7;\n', cjs: 'exports.handler = 7;\n' },
    fault: { when: 'build', says: /exports no function/ },
  },
  {
    name: 'throws in the call',
    body: "throw new Error('rows are missing');",
    fault: { when: 'call', says: /rows are missing/ },
  },
  {
    name: 'a syntax error',
    top: ['const rows = {;'],
    fault: { when: 'build', says: /SyntaxError|Unexpected|Expression expected|Property/ },
  },
  { name: 'a name that is not defined', top: ['helper();'], fault: { when: 'build', says: /helper is not defined/ } },
  {
    name: 'throws while it is loaded',
    top: ["throw new Error('DATABASE_URL is missing');"],
    fault: { when: 'start', says: /DATABASE_URL is missing/ },
  },
  {
    name: 'a type error while it is loaded',
    top: ['const none = undefined;', 'none.rows();'],
    fault: { when: 'build', says: /Cannot read properties of undefined/ },
  },
  {
    name: 'an undeclared package',
    esm: ["import 'left-pad-nobody';"],
    cjs: ["require('left-pad-nobody');"],
    fault: { when: 'build', says: /left-pad-nobody/ },
  },
  {
    name: 'a file that is not there',
    esm: ["import './lib/nowhere.js';"],
    cjs: ["require('./lib/nowhere');"],
    fault: { when: 'build', says: /lib\/nowhere/ },
  },
  {
    name: 'a file beside it',
    esm: ["import { rows } from './beside.mjs';"],
    cjs: ["const { rows } = require('./beside.cjs');"],
    body: 'return { ok: rows };',
    files: { 'beside.mjs': 'export const rows = 1;\n', 'beside.cjs': 'exports.rows = 1;\n' },
  },
  {
    name: 'a name that the file has not',
    esm: ["import { nothing } from './beside.mjs';"],
    files: { 'beside.mjs': 'export const rows = 1;\n' },
    fault: { when: 'build', says: /nothing/ },
    when: ({ esm }) => esm,
  },
  {
    name: 'TypeScript by .js',
    esm: ["import { rows } from './beside.js';"],
    body: 'return { ok: rows };',
    files: { 'beside.ts': 'export const rows: number = 1;\n' },
    when: ({ typescript, esm }) => typescript && esm,
  },
  {
    name: 'TypeScript without extension',
    esm: ["import { rows } from './beside';"],
    body: 'return { ok: rows };',
    files: { 'beside.ts': 'export const rows: number = 1;\n' },
    when: ({ typescript, esm }) => typescript && esm,
  },
  {
    name: 'an enum',
    top: ['enum Kind { A }'],
    fault: { when: 'build', says: /enum/ },
    when: ({ typescript }) => typescript,
  },
  {
    name: 'types',
    top: ['interface Row { a: number }', 'const row: Row = { a: 1 };'],
    body: 'return { ok: row.a };',
    when: ({ typescript }) => typescript,
  },
  {
    name: 'paths of tsconfig',
    esm: ["import { rows } from '@/beside';"],
    body: 'return { ok: rows };',
    files: {
      'beside.ts': 'export const rows = 1;\n',
      'tsconfig.json': '{"compilerOptions":{"baseUrl":".","paths":{"@/*":["./*"]}}}\n',
    },
    fault: { when: 'build', says: /tsconfig\.json/ },
    when: ({ typescript, esm }) => typescript && esm,
  },
  {
    name: 'the dependency',
    esm: ["import dep from 'dep';"],
    cjs: ["const dep = require('dep');"],
    body: 'return { ok: dep.rows() };',
    weight: 3,
    when: ({ dependency }) => dependency,
  },
  {
    name: 'an await that never settles',
    top: ['await new Promise(() => {});'],
    fault: { when: 'build', says: /never settles/ },
    when: ({ esm }) => esm,
  },
  { name: 'ends the process', top: ['process.exit(0);'], fault: { when: 'build', says: /ends the process/ } },
  {
    name: 'takes the port',
    esm: ["import http from 'node:http';"],
    cjs: ["const http = require('node:http');"],
    top: ['http.createServer().listen(process.env.PORT || 8080);'],
    fault: { when: 'build', says: /port \d+ can't be listened on/ },
  },
  {
    name: 'another port',
    esm: ["import http from 'node:http';"],
    cjs: ["const http = require('node:http');"],
    top: ['http.createServer().listen(0);'],
    body: 'return { ok: 1 };',
  },
  {
    name: 'a loop',
    weight: 0.1,
    top: ['for (;;) {}'],
    fault: { when: 'build', says: /does not finish loading/ },
    slow: true,
  },
  { name: 'a timer', top: ['setInterval(() => {}, 1000);'], body: 'return { ok: 1 };' },
  {
    name: 'a program at load',
    esm: ["import { execSync } from 'node:child_process';"],
    cjs: ["const { execSync } = require('node:child_process');"],
    top: ["execSync('no-such-program-here');"],
    fault: { when: 'start', says: /no-such-program-here/ },
  },
  {
    name: 'a file at load',
    esm: ["import fs from 'node:fs';"],
    cjs: ["const fs = require('node:fs');"],
    top: ["fs.readFileSync('./rows.csv');"],
    fault: { when: 'build', says: /rows\.csv/ },
  },
  {
    name: 'a late rejection',
    top: ["Promise.reject(new Error('late DATABASE_URL'));"],
    fault: { when: 'start', says: /late DATABASE_URL/ },
  },
  {
    name: 'CommonJS in a module',
    whole: { esm: 'exports.handler = () => 1;\n', cjs: 'exports.handler = () => ({ ok: 1 });\n' },
    fault: { when: 'build', says: /exports is not defined|ES module/ },
    when: ({ esm, path }) => esm && /\.mjs$/.test(path),
  },
  {
    name: 'a module in CommonJS',
    whole: { esm: 'export const handler = () => ({ ok: 1 });\n', cjs: 'export const handler = () => 1;\n' },
    fault: { when: 'build', says: /Unexpected token 'export'|export/ },
    when: ({ esm, path }) => !esm && /\.cjs$/.test(path),
  },
  {
    name: 'an event and a context',
    whole: {
      esm: 'export const handler = async (event, context) => ({ ok: typeof context });\n',
      cjs: 'exports.handler = async (event, context) => ({ ok: typeof context });\n',
    },
    when: ({ typescript }) => !typescript,
  },
  { name: 'an empty file', whole: { esm: '', cjs: '' }, fault: { when: 'before', says: /handler/ } },
];

function textOf({ whole, esm = [], cjs = [], top = [], body = 'return { ok: 1 };' }: Code, isModule: boolean): string {
  if (whole !== undefined) {
    return whole[isModule ? 'esm' : 'cjs'];
  }
  const handler = isModule ? `export function handler() { ${body} }` : `exports.handler = () => { ${body} };`;
  return `${[...(isModule ? esm : cjs), ...top, handler].join('\n')}\n`;
}

function add(code: Code): Part<NodeContext>['add'] {
  return (source, context) => {
    const { esm, path } = context;
    const isFitting = code.when?.(context) ?? true;
    const { files = {}, fault, slow = false, unnamed = false } = isFitting ? code : PLAIN;
    for (const [name, text] of Object.entries(files)) {
      source.files[name === 'tsconfig.json' ? name : posix.join(posix.dirname(path), name)] = text;
    }
    source.files[path] = textOf(isFitting ? code : PLAIN, esm);
    source.slow ||= slow;
    if (unnamed && source.request.handler !== undefined) {
      source.faults.push({ when: 'before', says: /no function handler/ });
    }
    if (fault) {
      source.faults.push(fault);
    }
  };
}

export const nodeCode: Part<NodeContext>[] = codes.map((code) => ({
  name: code.name,
  ...(code.weight === undefined ? {} : { weight: code.weight }),
  add: add(code),
}));
