import { posix } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pathProblems } from '#shared/packing/safe-paths.ts';
import { quick } from '#test/fuzz/area.ts';

describe('a path', () => {
  test.each([
    { case: 'climbs', paths: ['../up'] },
    { case: 'climbs in its middle', paths: ['a/../../b'] },
    { case: 'ends in ..', paths: ['a/..'] },
    { case: 'has a dot segment', paths: ['./a'] },
    { case: 'is absolute', paths: ['/etc/passwd'] },
    { case: 'has an empty segment', paths: ['a//b'] },
    { case: 'is empty', paths: [''] },
    { case: 'is a folder with content', paths: ['a/'] },
    { case: 'has a line break', paths: ['a\nb'] },
    { case: 'has a NUL', paths: ['a\0'] },
    { case: 'has a C1 control character', paths: ['a\u0085'] },
    { case: 'has half a surrogate pair', paths: ['a\ud800'] },
    { case: 'has a character that could not be told', paths: ['a\ufffdb'] },
    { case: 'has a backslash', paths: ['..\\up'] },
    { case: 'has a segment of 256 bytes', paths: [`a/${'é'.repeat(128)}`] },
    { case: 'would delete another file of an image', paths: ['a/.wh.b'] },
    { case: 'would empty a folder of an image', paths: ['a/.wh..wh..opq'] },
    { case: 'has a folder that would delete another', paths: ['.wh.a/b'] },
    { case: 'is in our folder', paths: ['.knative-lambda/Dockerfile'] },
    { case: 'is our folder', paths: ['.knative-lambda'] },
    { case: 'is our folder in capitals', paths: ['.Knative-Lambda/Dockerfile'] },
    { case: 'is another in another Unicode form', paths: ['caf\u00e9.py', 'cafe\u0301.py'] },
    { case: 'needs a folder where a file is', paths: ['a', 'a/b'] },
    { case: 'needs a folder far above', paths: ['a/b/c/d', 'a/b'] },
  ])('that $case is unsafe', ({ paths }) => {
    expect(pathProblems(paths)).not.toEqual([]);
  });

  test.each([
    'parser.py',
    'a/b/c.py',
    '.env',
    '..a/b..',
    'a/.knative-lambda/x',
    '.knative-lambda-notes',
    'with space and "quotes" and $(rm -rf)',
    'é'.repeat(127),
    '-rf',
    '..data',
    '.wh',
    'x.wh.y',
  ])('%j is safe', (path) => {
    expect(pathProblems([path])).toEqual([]);
  });

  test('that is safe stays below its folder, whatever it is made of', () => {
    const segment = fc.oneof(
      fc.constantFrom('..', '.', '', '/', 'a', '.knative-lambda'),
      fc.string({ unit: 'binary' }),
    );
    void fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), (segments) => {
        const path = segments.join('/');
        fc.pre(pathProblems([path]).length === 0);
        const resolved = posix.resolve('/app', path);
        expect(resolved).toBe(`/app/${path}`);
        expect(resolved.startsWith('/app/.knative-lambda')).toBe(
          path.startsWith('.knative-lambda') && !/^\.knative-lambda(\/|$)/.test(path),
        );
        expect(Buffer.from(path).toString()).toBe(path);
      }),
    );
  });
});

test('ten thousand long paths are compared in a moment', async () => {
  const paths = Array.from({ length: 10_000 }, (_, index) => `${'a/'.repeat(50)}${index}`);
  expect(await quick(() => pathProblems([...paths, `${'a/'.repeat(49)}a`]))).toHaveLength(10_000);
});
