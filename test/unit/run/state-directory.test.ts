/** Where the platform's state goes, so that nothing of a project is seen from within its images. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stateDirectory } from '#local/run/state-directory.ts';

let folder: string;
let project: string;
let roots: string[];
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'state-')));
  project = join(folder, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{"type":"module"}');
  roots = [join(folder, 'cache'), join(folder, 'other')];
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('a directory with nothing of a project above it is used as it is', () => {
  const directory = join(folder, 'state');
  expect(stateDirectory(directory, roots)).toEqual({ path: directory, seen: undefined });
  expect(lstatSync(directory).isDirectory()).toBe(true);
});

describe('below a project', () => {
  const directory = () => join(project, '.local');
  const place = () => stateDirectory(directory(), roots);

  test.each([
    { name: 'package.json' },
    { name: 'node_modules' },
    { name: 'go.work' },
    { name: 'pyproject.toml' },
    { name: 'Cargo.toml' },
  ])('that has $name, it is a link to a folder of the cache', ({ name }) => {
    rmSync(join(project, 'package.json'));
    writeFileSync(join(project, name), '');
    const { path, seen } = place();
    expect(path.startsWith(`${roots[0]}/knative-lambda/project-`)).toBe(true);
    expect(seen).toBeUndefined();
    expect(realpathSync(directory())).toBe(path);
  });

  test('the same folder every time, with what is in it', () => {
    const { path } = place();
    writeFileSync(join(path, 'objects.jsonl'), 'kept');
    expect(place().path).toBe(path);
    expect(readFileSync(join(directory(), 'objects.jsonl'), 'utf8')).toBe('kept');
  });

  test('without the link it begins anew', () => {
    const { path } = place();
    writeFileSync(join(path, 'objects.jsonl'), 'old');
    rmSync(directory());
    expect(place().path).toBe(path);
    expect(existsSync(join(path, 'objects.jsonl'))).toBe(false);
  });

  test('without the link, what a running platform has in the folder stays', () => {
    const { path } = place();
    writeFileSync(join(path, 'platform.pid'), `${process.pid}`);
    rmSync(directory());

    expect(place).toThrow('a platform runs already');
    expect(existsSync(join(path, 'platform.pid'))).toBe(true);
  });

  test('the folder is made again where the cache was emptied', () => {
    const { path } = place();
    rmSync(path, { recursive: true });
    expect(place()).toEqual({ path, seen: undefined });
    expect(existsSync(path)).toBe(true);
  });

  test('two projects have two folders', () => {
    const other = join(folder, 'second/project');
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, 'package.json'), '{}');
    expect(stateDirectory(join(other, '.local'), roots).path).not.toBe(place().path);
  });

  test('a folder that is there already is refused', () => {
    mkdirSync(directory());
    expect(place).toThrow('make clean');
  });

  test('a link that somebody made is followed', () => {
    const mine = join(folder, 'mine');
    symlinkSync(mine, directory());
    expect(place()).toEqual({ path: mine, seen: undefined });
  });

  test('a cache below a project is not taken, nor one that cannot be written', () => {
    mkdirSync(roots[0] ?? '');
    writeFileSync(join(roots[0] ?? '', 'package.json'), '{}');
    writeFileSync(join(folder, 'file'), '');
    roots.unshift(join(folder, 'file/cache'));
    expect(place().path.startsWith(join(folder, 'other/'))).toBe(true);
  });

  test('where there is no place without a project above it, that is told', () => {
    writeFileSync(join(folder, 'package.json'), '{}');
    expect(place()).toMatchObject({ seen: join(folder, 'package.json') });
  });
});
