/** Names are valid, short enough, and as distinct as the ids they stand for. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildsOf } from '#shared/specs/labels.ts';
import {
  cacheRepository,
  dependenciesSecret,
  functionName,
  imageRepository,
  imageTag,
  jobName,
  labelValue,
} from '#shared/specs/names.ts';

const DNS_1123 = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const LABEL_VALUE = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const REPOSITORY = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,100}$/);
const identity = fc.record({ third_party_id: id, parser_id: id });
const buildKey = fc.stringMatching(/^[0-9a-f]{64}$/);

test('every name of every id is one that Kubernetes and registries take', () => {
  fc.assert(
    fc.property(identity, buildKey, (who, key) => {
      const fn = functionName(who);
      expect(fn).toMatch(DNS_1123);
      expect(fn.length).toBeLessThanOrEqual(50);
      const job = jobName(who, key);
      expect(job).toMatch(DNS_1123);
      // Its pods append a dash and five characters, and their names become label values.
      expect(job.length).toBeLessThanOrEqual(63 - 6);
      expect(imageRepository('r', who).split('/')[1]).toMatch(REPOSITORY);
      expect(cacheRepository('r', who).split('/')[1]).toMatch(REPOSITORY);
      expect(`${imageTag(key)}-${job}-abcde`).toMatch(/^\w[\w.-]{0,127}$/);
      expect(labelValue(who.parser_id)).toMatch(LABEL_VALUE);
      for (const part of dependenciesSecret(who).split('.')) {
        expect(part).toMatch(DNS_1123);
      }
    }),
  );
});

test('different tenants have different Secrets', () => {
  fc.assert(
    fc.property(id, id, (one, other) => {
      fc.pre(one !== other);
      const [a, b] = [one, other].map((third_party_id) => dependenciesSecret({ third_party_id }));
      expect(a).not.toBe(b);
    }),
  );
  // Nobody can be called as another's Secret is: a name with a hash has a dot, which an id in a name has not.
  const hashed = dependenciesSecret({ third_party_id: 'Acme' });
  expect(dependenciesSecret({ third_party_id: hashed.replace('dependencies.', '') })).not.toBe(hashed);
});

test('different ids have different names', () => {
  fc.assert(
    fc.property(identity, identity, buildKey, (one, other, key) => {
      fc.pre(one.third_party_id !== other.third_party_id || one.parser_id !== other.parser_id);
      expect(functionName(one)).not.toBe(functionName(other));
      expect(jobName(one, key)).not.toBe(jobName(other, key));
    }),
  );
});

describe('ids that are hard to tell apart', () => {
  const long = 'x'.repeat(70);
  test.each([
    { case: 'after the 60th character', one: `${long}1`, other: `${long}2` },
    { case: 'by case', one: 'Parser', other: 'parser' },
    { case: 'by what a slug drops', one: 'a_b', other: 'a-b' },
    { case: 'by nothing that a slug keeps', one: '_', other: '-' },
  ])('$case', ({ one, other }) => {
    const [a, b] = [one, other].map((parser_id) => ({ third_party_id: 'acme', parser_id }));
    if (!a || !b) {
      throw new Error('two ids');
    }
    expect(functionName(a)).not.toBe(functionName(b));
    expect(jobName(a, 'k')).not.toBe(jobName(b, 'k'));
    expect(imageRepository('r', a)).not.toBe(imageRepository('r', b));
    expect(buildsOf(a)).not.toBe(buildsOf(b));
  });

  test('between tenant and parser', () => {
    const one = { third_party_id: 'a', parser_id: 'bc' };
    const other = { third_party_id: 'ab', parser_id: 'c' };
    expect(functionName(one).slice(-8)).not.toBe(functionName(other).slice(-8));
  });
});

test.each([
  { id: 'p1', slug: 'p1' },
  { id: 'ERC20_Transfers', slug: 'erc20-transfers' },
  { id: '--a--', slug: 'a' },
  { id: 'x'.repeat(100), slug: 'x'.repeat(38) },
  { id: `${'x'.repeat(37)}-y`, slug: 'x'.repeat(37) },
])('names stay readable: $id', ({ id, slug }) => {
  const who = { third_party_id: 'acme', parser_id: id };
  expect(functionName(who)).toMatch(new RegExp(`^fn-${slug}-[0-9a-f]{8}$`));
  expect(jobName(who, 'key')).toMatch(new RegExp(`^build-${slug}-[0-9a-f]{10}$`));
});

test('an id without letters or digits is its hash alone', () => {
  expect(functionName({ third_party_id: 'acme', parser_id: '___' })).toMatch(/^fn-[0-9a-f]{8}$/);
});

test('names never change: objects of former versions must be found again', () => {
  const who = { third_party_id: 'acme', parser_id: 'p1' };
  expect([functionName(who), jobName(who, '0'.repeat(64)), cacheRepository('r/k', who)]).toEqual([
    'fn-p1-742d58c1',
    'build-p1-4675e14307',
    'r/k/cache-acme-fd834411',
  ]);
});

test.each([
  { id: 'p1', value: 'p1' },
  { id: 'A_b-9', value: 'A_b-9' },
  { id: 'x'.repeat(63), value: 'x'.repeat(63) },
])('a label is the id itself where it may be: $id', ({ id, value }) => {
  expect(labelValue(id)).toBe(value);
});

test.each(['-p1', 'p1_', 'x'.repeat(64)])('else a slug with a hash: %s', (id) => {
  expect(labelValue(id)).toMatch(/^[a-z0-9-]+-[0-9a-f]{10}$/);
});
