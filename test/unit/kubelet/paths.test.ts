/** Paths, references and variables: the pure parts of starting a container. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expandVariables } from '#local/kubelet/expand-variables.ts';
import { parseImageReference } from '#local/kubelet/image-reference.ts';
import { ImageStore } from '#local/kubelet/images.ts';
import { placeInMounts, placeInRootfs, placePaths } from '#local/kubelet/place-paths.ts';

describe('mount paths', () => {
  const place = placeInMounts(
    new Map([
      ['/context', '/HERE'],
      ['/context/deep', '/DEEP'],
      ['/dev/termination-log', '/LOG'],
    ]),
  );
  test.each([
    { text: '/context', is: '/HERE' },
    { text: '/context/', is: '/HERE/' },
    { text: '/context/a.tar.gz', is: '/HERE/a.tar.gz' },
    { text: '/context/deep/x', is: '/DEEP/x' },
    { text: '/context/deeper', is: '/HERE/deeper' },
    { text: '--context=tar:///context/context.tar.gz', is: '--context=tar:///HERE/context.tar.gz' },
    { text: '--digest-file=/dev/termination-log', is: '--digest-file=/LOG' },
    { text: 'echo x > /context/y; cat "/context/y"', is: 'echo x > /HERE/y; cat "/HERE/y"' },
    { text: 'echo x>/context/y', is: 'echo x>/HERE/y' },
    { text: '/usr/bin:/context/bin:/bin', is: '/usr/bin:/HERE/bin:/bin' },
    { text: '$(cat /context/a)', is: '$(cat /HERE/a)' },
    { text: '/context/$NAME', is: '/HERE/$NAME' },
    { text: '/contexts', is: '/contexts' },
    { text: '/context.tar', is: '/context.tar' },
    { text: '/my/context/a', is: '/my/context/a' },
    { text: 'https://host/context/a', is: 'https://host/context/a' },
    { text: 'http://context/a', is: 'http://context/a' },
    { text: 'a/context', is: 'a/context' },
    { text: './context', is: './context' },
    { text: '', is: '' },
  ])('$text', ({ text, is }) => {
    expect(placePaths(text, place)).toBe(is);
  });

  test('a text without the mount paths stays as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 60 }), (text) => {
        fc.pre(!text.includes('/context') && !text.includes('/dev'));
        expect(placePaths(text, place)).toBe(text);
      }),
    );
  });
});

describe('an image’s own paths', () => {
  let rootfs: string;
  beforeAll(() => {
    rootfs = mkdtempSync(join(tmpdir(), 'rootfs-'));
    mkdirSync(join(rootfs, 'opt/tool'), { recursive: true });
    writeFileSync(join(rootfs, 'opt/tool/run'), '');
  });
  afterAll(() => {
    rmSync(rootfs, { recursive: true, force: true });
  });

  test.each([
    { case: 'under the working directory, there or not', path: '/app/new', placed: true },
    { case: 'the working directory', path: '/app', placed: true },
    { case: 'what the image has', path: '/opt/tool/run', placed: true },
    { case: 'what it does not have', path: '/opt/other', placed: false },
    { case: 'a neighbour of the working directory', path: '/apps', placed: false },
    { case: 'the root', path: '/', placed: false },
    { case: 'a way out', path: '/app/../../etc', placed: false },
  ])('$case', ({ path, placed }) => {
    expect(placeInRootfs(rootfs, '/app')(path)).toBe(placed ? join(rootfs, path) : undefined);
  });

  test('a working directory of / claims nothing', () => {
    expect(placeInRootfs(rootfs, '/')('/etc/passwd')).toBeUndefined();
  });
});

test.each([
  { text: '$(A)-$(B)', is: 'a-$(B)' },
  { text: '$$(A)', is: '$(A)' },
  { text: '$$$(A)', is: '$a' },
  { text: '$A $[A]', is: '$A $[A]' },
  { text: '$(A', is: '$(A' },
  { text: '$(toString)', is: '$(toString)' },
])('variables: $text', ({ text, is }) => {
  expect(expandVariables(text, { A: 'a' })).toBe(is);
});

describe('image references', () => {
  const hex = 'a'.repeat(64);
  test.each([
    { text: 'busybox', is: { repository: 'busybox', tag: 'latest', digest: undefined } },
    { text: 'localhost:5000/a/b:v1', is: { repository: 'localhost:5000/a/b', tag: 'v1', digest: undefined } },
    { text: `r.test/a@sha256:${hex}`, is: { repository: 'r.test/a', tag: undefined, digest: hex } },
    { text: `r.test/a:t@sha256:${hex}`, is: { repository: 'r.test/a', tag: 't', digest: hex } },
    { text: 'a__b/c-d.e', is: { repository: 'a__b/c-d.e', tag: 'latest', digest: undefined } },
    { text: 'UPPER', is: undefined },
    { text: 'a b', is: undefined },
    { text: 'a:', is: undefined },
    { text: '../a', is: undefined },
    { text: 'a@sha256:short', is: undefined },
    { text: '', is: undefined },
  ])('$text', ({ text, is }) => {
    expect(parseImageReference(text)).toEqual(is);
  });

  test('the store never leaves its folder, whatever is asked for', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'images-'));
    const store = new ImageStore(directory);
    const odd = fc.string({ unit: fc.constantFrom('.', '/', ':', '@', 'a', 'sha256', '%', '\0') });
    try {
      await fc.assert(fc.asyncProperty(odd, async (text) => (await store.resolve(text)) === undefined));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
