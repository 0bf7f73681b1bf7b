/** Kaniko's command line. */
import { describe, expect, test } from 'vitest';
import { BuildError } from '#local/kaniko/build-error.ts';
import { parseFlags } from '#local/kaniko/flags.ts';
import { baseKind } from '#local/kubelet/base-kinds.ts';

describe('flags', () => {
  test('those of a build pod', () => {
    const options = parseFlags([
      '--context=tar:///context/context.tar.gz',
      '--dockerfile=.knative-lambda/Dockerfile',
      '--destination=registry.test/fn:tag',
      '--digest-file=/dev/termination-log',
      '--cache=true',
      '--cache-repo=registry.test/fn/cache',
      '--compressed-caching=false',
      '--snapshot-mode=redo',
      '--push-retry=3',
      '--image-fs-extract-retry=3',
      '--log-format=text',
      '--build-arg=https_proxy=http://proxy:3128',
    ]);
    expect(options).toMatchObject({
      context: '/context/context.tar.gz',
      dockerfile: '.knative-lambda/Dockerfile',
      destinations: ['registry.test/fn:tag'],
      digestFile: '/dev/termination-log',
      cache: true,
      cacheRepo: 'registry.test/fn/cache',
      buildArgs: { https_proxy: 'http://proxy:3128' },
    });
  });

  test('a value of a build argument may hold =, or be missing', () => {
    const flags = ['--context=tar://x', '--destination=a', '--build-arg=A=b=c', '--build-arg', 'B'];
    expect(parseFlags(flags)).toMatchObject({ buildArgs: { A: 'b=c', B: '' }, cache: false, dockerfile: 'Dockerfile' });
  });

  test.each([
    { case: 'unknown', args: ['--no-such-flag=1'], says: '--no-such-flag' },
    { case: 'no destination', args: ['--context=tar://x'], says: 'you must provide --destination' },
    { case: 'a context that is no archive', args: ['--context=dir://x', '--destination=a'], says: 'dir://x' },
    { case: 'no value', args: ['--destination'], says: '--destination' },
    { case: 'an unknown short one', args: ['-x'], says: '-x' },
    { case: 'a word', args: ['true'], says: 'true' },
  ])('refused: $case', ({ args, says }) => {
    expect(() => parseFlags(args)).toThrow(BuildError);
    expect(() => parseFlags(args)).toThrow(says);
  });
});

test.each([
  { image: 'node:24-slim', kind: 'node' },
  { image: 'cgr.dev/chainguard/node@sha256:abc', kind: 'node' },
  { image: 'gcr.io/distroless/nodejs22-debian12:nonroot', kind: 'node' },
  { image: 'localhost:5000/python:3.13-alpine', kind: 'python' },
  { image: 'gcr.io/distroless/python3-debian12', kind: 'python' },
  { image: 'golang:1.26', kind: 'golang' },
  { image: 'cgr.dev/chainguard/go', kind: 'golang' },
  { image: 'rust:1.95-alpine', kind: 'rust' },
  { image: 'registry.test/rustfs', kind: 'none' },
  { image: 'registry.test/node/static', kind: 'none' },
  { image: 'scratch', kind: 'none' },
  { image: 'google-cloud-sdk', kind: 'none' },
])('$image is $kind', ({ image, kind }) => {
  expect(baseKind(image)).toBe(kind);
});
