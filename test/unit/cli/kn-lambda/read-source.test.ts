/** What of a folder is uploaded, and as what. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type HashCache, readSource } from '#cli/kn-lambda/source/read-source.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kn-lambda-source-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), path);
  }
}

const names = () => readSource(folder).files.map(({ path }) => path);

test('the code, and nothing that tools and editors leave behind', () => {
  write('parser.js', 'lib/a.js', 'lib/target/b.js', 'README.md', '.npmrc');
  write('node_modules/x/i.js', 'lib/node_modules/y.js', '.git/HEAD', '.venv/bin/python', 'lib/__pycache__/a.pyc');
  write('.env', '.env.local', '.DS_Store', '.gitignore', 'function.yaml', 'event.json', 'target/debug/x');
  expect(names()).toEqual(['.npmrc', 'README.md', 'lib/a.js', 'lib/target/b.js', 'parser.js']);
  expect(readSource(folder).leftOut).toEqual([
    '.DS_Store',
    '.env',
    '.env.local',
    '.git/',
    '.gitignore',
    '.venv/',
    'event.json',
    'function.yaml',
    'lib/__pycache__/',
    'lib/node_modules/',
    'node_modules/',
    'target/',
  ]);
});

test('its .gitignore counts, and can bring back what is left out', () => {
  write('parser.js', 'out/x.js', 'a.log', '.env');
  writeFileSync(join(folder, '.gitignore'), 'out/\n*.log\n!.env\n');
  expect(names()).toEqual(['.env', 'parser.js']);
});

test('size and hash are those of the content', () => {
  write('parser.js');
  const sha256 = createHash('sha256').update('parser.js').digest('hex');
  expect(readSource(folder)).toMatchObject({ bytes: 9, files: [{ path: 'parser.js', size: 9, sha256 }] });
});

test('a link inside is the file; one that leads out, to nothing, or round in a circle is left out', () => {
  write('parser.js');
  symlinkSync('parser.js', join(folder, 'same.js'));
  symlinkSync('/etc/hostname', join(folder, 'out'));
  symlinkSync('nowhere', join(folder, 'broken'));
  symlinkSync('.', join(folder, 'circle'));
  expect(readSource(folder)).toMatchObject({
    files: [{ path: 'parser.js' }, { path: 'same.js' }],
    leftOut: ['broken', 'circle', 'out'],
  });
});

test('what has not changed is not read again', () => {
  write('parser.js');
  const cache: HashCache = new Map();
  readSource(folder, cache);
  for (const known of cache.values()) {
    known.sha256 = 'kept';
  }
  expect(readSource(folder, cache).files[0]?.sha256).toBe('kept');
  utimesSync(join(folder, 'parser.js'), 1, 1);
  expect(readSource(folder, cache).files[0]?.sha256).not.toBe('kept');
});
