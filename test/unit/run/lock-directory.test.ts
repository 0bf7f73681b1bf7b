import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockDirectory } from '#local/run/lock-directory.ts';
import { identityOf } from '#local/run/process-identity.ts';

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

test.each([
  { case: 'that is no platform', program: 'sleep', start: () => undefined },
  {
    case: 'that began after the platform',
    program: process.execPath,
    start: (pid: number) => `${pid} another boot 17\n`,
  },
])('a lock whose number another process has by now, one $case, is taken over', async ({ program, start }) => {
  const args = program === 'sleep' ? ['60'] : ['-e', 'setTimeout(() => {}, 60_000)'];
  const other = spawn(program, args, { stdio: 'ignore' });
  await once(other, 'spawn');
  try {
    writeFileSync(file(), `${other.pid}\n`);
    const identity = start(other.pid ?? 0);
    if (identity !== undefined) {
      writeFileSync(join(directory, 'platform.start'), identity);
    }

    const unlock = lockDirectory(directory);

    expect(readFileSync(file(), 'utf8')).toBe(`${process.pid}\n`);
    unlock();
    expect(readdirSync(directory)).toEqual([]);
  } finally {
    other.kill();
  }
});

test('a process with the number, boot and start of the holder is the holder', () => {
  const unlock = lockDirectory(directory);
  const [pid, ...identity] = readFileSync(join(directory, 'platform.start'), 'utf8').trim().split(' ');

  expect(pid).toBe(String(process.pid));
  expect(identity.join(' ')).toBe(identityOf(process.pid));
  expect(identityOf(process.ppid)).not.toBe(identityOf(process.pid));
  expect(() => lockDirectory(directory)).toThrow('a platform runs already');
  unlock();
});
