/** The table of settings is complete: files written from it are up to date, and its readers do read what it says. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { settingsFiles } from '#docs/settings-table.ts';
import { renderOverlay } from '#shared/manifests/render-overlay.ts';
import { defaultOf, fieldsFrom } from '#shared/settings/select.ts';
import { PROGRAMS, SETTINGS, type Setting } from '#shared/settings/table.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const settings = Object.entries<Setting>(SETTINGS);
const functions = readdirSync(join(ROOT, 'functions'));

/** The main module of each program that reads settings. */
const ENTRIES: Record<string, string> = {
  ...Object.fromEntries(functions.map((name) => [name, `functions/${name}/index.ts`])),
  'every function': 'shared/runtime/define-function.ts',
  'fetch-context': 'build-pod/fetch-context.ts',
  'build-monitor': 'build-pod/build-monitor.ts',
  'npm run dead-letters': 'cli/dead-letters.ts',
  'make deploy': 'deploy/deploy.ts',
  'make image': 'deploy/image.ts',
  'main.ts': 'main.ts',
};

test.each(Object.entries(settingsFiles()))('%s is as the table says: npm run docs', (path, text) => {
  expect(readFileSync(join(ROOT, path), 'utf8')).toBe(text);
});

test('readers are functions, or programs that the table knows', () => {
  const known = [...functions, ...PROGRAMS];
  expect(settings.flatMap(([, { readBy }]) => readBy.filter((reader) => !known.includes(reader)))).toEqual([]);
  expect(settings.filter(([, { readBy }]) => readBy.length === 0)).toEqual([]);
});

test.each(Object.entries(ENTRIES))('%s uses every setting that the table says it reads', (reader, entry) => {
  const text = sourcesOf(join(ROOT, entry));
  const unused = settings
    .filter(([, { readBy }]) => readBy.includes(reader))
    .map(([name]) => name)
    .filter((name) => !new RegExp(`\\b${name}\\b`).test(text) && !name.startsWith('BASE_IMAGE_'));
  expect(unused).toEqual([]);
});

test.each(functions)('%s takes its configuration under its own name, or has none', (name) => {
  const index = readFileSync(join(ROOT, 'functions', name, 'index.ts'), 'utf8');
  const [, config] = /^ {2}config: (.*),$/m.exec(index) ?? [];
  const hasSettings = settings.some(([, { readBy }]) => readBy.includes(name));
  expect(config).toBe(hasSettings ? `configFor('${name}')` : 'z.object({})');
});

test('nothing that runs in a pod reads the environment past the table', () => {
  const allowed = ['shared/runtime/define-function.ts', 'build-pod/fetch-context.ts', 'build-pod/build-monitor.ts'];
  const readers = ['shared', 'functions', 'build-pod'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .map((file) => `${folder}/${file}`)
      .filter((file) => file.endsWith('.ts') && readFileSync(join(ROOT, file), 'utf8').includes('process.env')),
  );
  expect(readers.filter((file) => !allowed.includes(file))).toEqual([]);
});

describe.each(readdirSync(join(ROOT, 'eventing/overlays')))('the ConfigMap of overlay %s', (environment) => {
  const objects = renderOverlay(join(ROOT, 'eventing/overlays', environment));
  const data: Record<string, string> = objects.find(
    ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'knative-lambda-config',
  )?.['data'];
  const fields = fieldsFrom('ConfigMap');

  test('has no key that the table does not know', () => {
    expect(Object.keys(data).filter((key) => !(key in fields))).toEqual([]);
  });

  test('has every setting that is needed or has a default, with a value that is allowed', () => {
    const wrong = Object.entries(fields).filter(([name, schema]) => !schema.safeParse(data[name]).success);
    const missing = settings.filter(([name, setting]) => name in fields && defaultOf(setting) && !data[name]);
    expect([...wrong, ...missing].map(([name]) => name)).toEqual([]);
  });
});

/** The text of a module and of every module of ours that it imports, the table apart. */
function sourcesOf(file: string, seen = new Set<string>()): string {
  if (seen.has(file) || !existsSync(file) || relative(ROOT, file).startsWith('shared/settings/table')) {
    return '';
  }
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  const imported = [...text.matchAll(/(?:from|import\()\s*'(#|\.\/)([^']+\.ts)'/g)].map(([, kind, path = '']) =>
    kind === '#' ? join(ROOT, path) : join(file, '..', path),
  );
  return [text, ...imported.map((each) => sourcesOf(each, seen))].join('\n');
}
