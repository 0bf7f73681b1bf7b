/** Kaniko's command line. */
import { describe, expect, test } from 'vitest';
import { baseKind } from '#local/kaniko/base-image.ts';
import { FlagError, parseFlags } from '#local/kaniko/flags.ts';

const parse = (...args: string[]) => parseFlags(args, { FROM_ENV: 'e' });

describe('flags', () => {
  test('those of a build pod', () => {
    const options = parse(
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
      '--single-snapshot',
      '--build-arg=https_proxy=http://proxy:3128',
    );
    expect(options).toMatchObject({
      context: 'tar:///context/context.tar.gz',
      dockerfile: '.knative-lambda/Dockerfile',
      destinations: ['registry.test/fn:tag'],
      digestFile: '/dev/termination-log',
      cache: true,
      cacheRepo: 'registry.test/fn/cache',
      push: true,
      buildArgs: { https_proxy: 'http://proxy:3128' },
    });
  });

  test('values as words of their own, short names, repeated flags', () => {
    expect(
      parse('-c', 'dir:///x', '-f', 'D', '-d', 'a', '--destination', 'b', '--build-arg', 'FROM_ENV'),
    ).toMatchObject({
      context: 'dir:///x',
      dockerfile: 'D',
      destinations: ['a', 'b'],
      buildArgs: { FROM_ENV: 'e' },
    });
  });

  test('a boolean takes no word', () => {
    expect(() => parse('--no-push', '--cache', 'true', '--cache-repo=x')).toThrow('unknown command "true"');
    expect(parse('--no-push', '--cache', '--cache-repo=x')).toMatchObject({ push: false, cache: true });
  });

  test.each([
    { case: 'unknown', args: ['--no-such-flag=1'], says: 'unknown flag: --no-such-flag' },
    { case: 'no destination', args: ['--context=x'], says: 'you must provide --destination, or use --no-push' },
    { case: 'a cache without a name', args: ['--no-push', '--cache'], says: 'specify cache repo' },
    { case: 'no boolean', args: ['--no-push', '--cache=perhaps'], says: 'invalid argument "perhaps" for "--cache"' },
    { case: 'an unused one that is no boolean', args: ['--no-push', '--insecure=x'], says: 'invalid argument' },
    { case: 'no value', args: ['--destination'], says: 'flag needs an argument: --destination' },
    { case: 'not emulated', args: ['--tar-path=x', '--no-push'], says: 'not emulated' },
    { case: 'an unknown short one', args: ['-x'], says: 'unknown shorthand flag' },
  ])('refused: $case', ({ args, says }) => {
    expect(() => parse(...args)).toThrow(FlagError);
    expect(() => parse(...args)).toThrow(says);
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
  { image: 'registry.test/node/static', kind: 'none' },
  { image: 'scratch', kind: 'none' },
  { image: 'google-cloud-sdk', kind: 'none' },
])('$image is $kind', ({ image, kind }) => {
  expect(baseKind(image)).toBe(kind);
});
