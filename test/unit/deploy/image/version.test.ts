import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { imageVersion } from '#deploy/image/version.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'image-version-test-'));
  writeFileSync(join(root, 'package.json'), '{"version":"1.2.3"}');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const git = (...args: string[]) =>
  execFileSync('git', ['-C', root, '-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
    encoding: 'utf8',
  });

test('the commit, dirty only by what the image is made from', async () => {
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message=first');
  const commit = git('rev-parse', 'HEAD').trim();
  const clean = { version: '1.2.3', commit, tag: commit.slice(0, 12) };

  expect(await imageVersion(root, ['package.json', 'shared'])).toEqual(clean);
  writeFileSync(join(root, 'README.md'), 'not in the image');
  expect(await imageVersion(root, ['package.json', 'shared'])).toEqual(clean);
  writeFileSync(join(root, 'package.json'), '{"version":"1.2.4"}');
  expect(await imageVersion(root, ['package.json', 'shared'])).toEqual({
    version: '1.2.4',
    commit: `${commit}-dirty`,
    tag: `${commit.slice(0, 12)}-dirty`,
  });
});

test('outside a clone the version is the tag', async () => {
  expect(await imageVersion(root, ['package.json'])).toEqual({ version: '1.2.3', commit: 'unknown', tag: 'v1.2.3' });
});
