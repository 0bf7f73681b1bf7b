import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockDirectory } from '#local/run/lock-directory.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lock-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const file = () => join(directory, 'platform.pid');

test('a directory is had by one at a time, and free again afterwards', () => {
  const unlock = lockDirectory(directory);
  expect(readFileSync(file(), 'utf8')).toBe(`${process.pid}\n`);

  expect(() => lockDirectory(directory)).toThrow(new RegExp(`process ${process.pid}.*LOCAL_DIRECTORY`));

  unlock();
  lockDirectory(directory)();
});

test.each([
  { case: 'a process that has ended', content: () => `${spawnSync('true').pid}\n` },
  { case: 'no process', content: () => 'rubbish' },
  { case: 'nothing, after a crash in mid-write', content: () => '' },
])('a lock that names $case is taken over', ({ content }) => {
  writeFileSync(file(), content());

  const unlock = lockDirectory(directory);

  expect(readFileSync(file(), 'utf8')).toBe(`${process.pid}\n`);
  unlock();
});
