import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { copyPrivateFiles } from '#build-pod/private-files.ts';

let from: string;
let to: string;
beforeEach(() => {
  from = mkdtempSync(join(tmpdir(), 'private-'));
  to = join(from, 'copy');
});
afterEach(() => rmSync(from, { recursive: true }));

const read = (name: string) => readFileSync(join(to, name), 'utf8');

test('copies what is there, readable by its owner alone', async () => {
  writeFileSync(join(from, '.npmrc'), '//host/:_authToken=canary');
  writeFileSync(join(from, 'pip.conf'), '[global]');
  await copyPrivateFiles(from, to);
  expect(readdirSync(to)).toEqual(['.npmrc', 'pip.conf']);
  expect(read('.npmrc')).toBe('//host/:_authToken=canary');
  expect(statSync(join(to, '.npmrc')).mode & 0o777).toBe(0o600);
  expect(statSync(to).mode & 0o777).toBe(0o700);
});

test('makes nothing where there is no Secret', async () => {
  await copyPrivateFiles(from, to);
  await copyPrivateFiles(join(from, 'absent'), to);
  expect(existsSync(to)).toBe(false);
});

test('tells git where its credentials are, also for what a lock file names by SSH', async () => {
  writeFileSync(join(from, '.git-credentials'), 'https://me:canary@git.corp.example\nhttps://me:other@github.com\n');
  await copyPrivateFiles(from, to);
  expect(read('.gitconfig')).toBe(`[credential]
	helper = "store --file=${to}/.git-credentials"
[url "https://git.corp.example/"]
	insteadOf = ssh://git@git.corp.example/
	insteadOf = git@git.corp.example:
[url "https://github.com/"]
	insteadOf = ssh://git@github.com/
	insteadOf = git@github.com:
`);
});

test('git uses .netrc where there is nothing of its own', async () => {
  writeFileSync(join(from, '.netrc'), 'machine github.com\n  login me\n  password can/ary\n');
  await copyPrivateFiles(from, to);
  expect(read('.git-credentials')).toBe('https://me:can%2Fary@github.com\n');
  expect(read('.netrc')).toContain('can/ary');
});

test('a value cannot add to git’s configuration', async () => {
  writeFileSync(join(from, '.git-credentials'), 'https://me:x@ho"]\\nst/\n[alias]\nnot a url\n');
  await copyPrivateFiles(from, to);
  expect(
    read('.gitconfig')
      .split('\n')
      .filter((line) => line.startsWith('[alias')),
  ).toEqual([]);
});
