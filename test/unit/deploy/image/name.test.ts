import { describe, expect, test } from 'vitest';
import { findDigest, parseImageName } from '#deploy/image/name.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('a name that can be pushed to', () => {
  test.each([
    ['registry.example.com/team/name', 'registry.example.com', 'registry.example.com/team/name', 'abc'],
    ['registry.example.com/team/name:v1', 'registry.example.com', 'registry.example.com/team/name', 'v1'],
    ['localhost/name', 'localhost', 'localhost/name', 'abc'],
    ['localhost:5000/name:1', 'localhost:5000', 'localhost:5000/name', '1'],
    ['registry:5000/a/b__c/d-e.f', 'registry:5000', 'registry:5000/a/b__c/d-e.f', 'abc'],
    ['[::1]:5000/name', '[::1]:5000', '[::1]:5000/name', 'abc'],
    ['docker.io/team/name', 'docker.io', 'docker.io/team/name', 'abc'],
  ])('%s', (text, registry, repository, tag) => {
    expect(parseImageName(text, 'abc')).toEqual({ registry, repository, tag });
  });
});

describe('a name that cannot', () => {
  test.each([
    [undefined, 'IMAGE is not set: name the repository to push to'],
    ['', 'IMAGE is not set'],
    ['https://registry.example.com/name', 'leave out the scheme'],
    ['docker://registry.example.com/name', 'leave out the scheme'],
    [`registry.example.com/name@${DIGEST}`, 'the digest is known only when the image is built'],
    ['team/name', "begin it with the registry's host (docker.io for Docker Hub)"],
    ['name', "begin it with the registry's host"],
    ['/name', "begin it with the registry's host"],
    ['-v.example/name', "begin it with the registry's host"],
    ['registry.example.com/', '"" is no part of a path'],
    ['registry.example.com/Team/name', '"Team" is no part of a path'],
    ['registry.example.com/a//b', '"" is no part of a path'],
    ['registry.example.com/name:', 'a tag is up to 128'],
    ['registry.example.com/name:a:b', 'a tag is up to 128'],
    ['registry.example.com/name:-x', 'a tag is up to 128'],
    ['registry.example.com/na me', '"na me" is no part of a path'],
    ['registry.example.com/name;rm', '"name;rm" is no part of a path'],
  ])('%s', (text, problem) => {
    const refusal = () => parseImageName(text, 'abc');
    expect(refusal).toThrow(problem);
    expect(refusal).toThrow('for example IMAGE=');
  });
});

test.each([
  ['what a digest file holds', `${DIGEST}\n`, DIGEST],
  ['docker push', `v1: digest: ${DIGEST} size: 1234`, DIGEST],
  ['a reference', `localhost:5000/name@${DIGEST}`, DIGEST],
  ['a digest cut short', DIGEST.slice(0, -1), undefined],
  ['a digest too long', `${DIGEST}0`, undefined],
  ['nothing', '', undefined],
])('the digest in %s', (_case, output, digest) => {
  expect(findDigest(output)).toBe(digest);
});
