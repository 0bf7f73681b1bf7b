/** A disk that takes nothing more ends the platform with a sentence, and costs nothing that was kept. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { asDiskError, DiskError } from '#local/disk/disk-error.ts';
import { createStorage } from '#local/kubernetes/storage.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'full-'));
  file = join(directory, 'objects.jsonl');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** `ulimit -f`: the greatest size of a file, which a write then refuses as a full disk does. */
function runLimited(blocks: number) {
  const program = join(import.meta.dirname, 'full-disk-process.ts');
  const script = `ulimit -f ${blocks}; exec "$0" "$@"`;
  return spawnSync('/bin/sh', ['-c', script, process.execPath, program, file], { encoding: 'utf8', timeout: 30_000 });
}

test('it is said in one line, what was kept is there, and the next platform goes on', () => {
  const { status, stdout, stderr } = runLimited(400);

  expect(stdout).toMatch(/^.*objects\.jsonl cannot be written: .* \(EFBIG\)\. .*start again\n$/);
  expect(status).toBe(1);
  const written = Number(stderr.trim().split('\n').at(-1));
  expect(written).toBeGreaterThan(10);
  const storage = createStorage(file);
  expect(storage.list('configmaps')).toHaveLength(written);
  storage.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'new', namespace: 'default' } });
  storage.close();
});

test('a file that cannot be written anew is left as it is, and nothing of the try', () => {
  expect(runLimited(400).status).toBe(1);
  const { size } = statSync(file);

  const { status, stdout } = runLimited(100);

  expect([status, stdout]).toEqual([1, '']);
  expect(statSync(file).size).toBe(size);
  expect(readdirSync(directory)).toEqual(['objects.jsonl']);
});

test.each(['ENOSPC', 'EDQUOT', 'EROFS'])('%s becomes a sentence that names the file', (code) => {
  const error = asDiskError(Object.assign(new Error('write'), { code }), '/x/y');
  expect(error).toBeInstanceOf(DiskError);
  expect((error as Error).message).toMatch(new RegExp(`^/x/y cannot be written: .*${code}.*kept.*free some room`));
  expect(asDiskError(error)).toBe(error);
});

test('what is no trouble of the disk stays what it is', () => {
  const error = Object.assign(new Error('x'), { code: 'EACCES' });
  expect(asDiskError(error)).toBe(error);
});
