/** Merge patch and JSON patch. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonPatchError, jsonPatch } from '#shared/kubernetes/json-patch.ts';
import { mergePatch } from '#shared/kubernetes/merge-patch.ts';

const key = fc.string({ unit: 'grapheme-ascii', maxLength: 4 }).filter((name) => name !== '__proto__');
const { value, map } = fc.letrec<{ value: unknown; map: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(1, true, 'text', null),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('map'),
  ),
  map: fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
}));
const withoutNulls = (it: unknown): boolean =>
  it === null || typeof it !== 'object'
    ? true
    : Array.isArray(it) || Object.values(it).every((field) => field !== null && withoutNulls(field));

describe('merge patch', () => {
  test('applied twice is applied once', () => {
    fc.assert(
      fc.property(value, value, (target, patch) => {
        const once = mergePatch(target, patch);
        expect(mergePatch(once, patch)).toEqual(once);
      }),
    );
  });

  test('an empty patch leaves a map as it is', () => {
    fc.assert(
      fc.property(map, (target) => {
        expect(mergePatch(target, {})).toEqual(target);
      }),
    );
  });

  test('a patch without nulls on nothing is itself', () => {
    fc.assert(
      fc.property(map.filter(withoutNulls), (patch) => {
        expect(mergePatch(undefined, patch)).toEqual(patch);
      }),
    );
  });

  test('leaves the fields alone that it does not name', () => {
    fc.assert(
      fc.property(map, map, (target, patch) => {
        const merged = mergePatch(target, patch) as Record<string, unknown>;
        for (const [name, field] of Object.entries(target)) {
          if (!Object.hasOwn(patch, name)) {
            expect(merged[name]).toEqual(field);
          }
        }
      }),
    );
  });

  test('null deletes, and so never stays', () => {
    fc.assert(
      fc.property(map, map, (target, patch) => {
        const merged = mergePatch(target, patch) as Record<string, unknown>;
        for (const [name, field] of Object.entries(patch)) {
          if (field === null) {
            expect(Object.hasOwn(merged, name)).toBe(false);
          }
        }
      }),
    );
  });

  test('changes neither argument', () => {
    fc.assert(
      fc.property(value, value, (target, patch) => {
        const before = structuredClone([target, patch]);
        mergePatch(target, patch);
        expect([target, patch]).toEqual(before);
      }),
    );
  });

  test('does not reach the prototype of anything', () => {
    mergePatch({}, JSON.parse('{"__proto__": {"polluted": true}}'));
    expect({}).not.toHaveProperty('polluted');
  });

  // The examples of RFC 7386, appendix A.
  test.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j + %j = %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });
});

describe('JSON patch', () => {
  const target = { spec: { list: [1, 2, 3], 'a/b': { '~': 'x' } }, status: 'old' };

  test.each([
    { case: 'add a field', patch: [{ op: 'add', path: '/new', value: 1 }], result: { ...target, new: 1 } },
    { case: 'add into a list', patch: [{ op: 'add', path: '/spec/list/1', value: 9 }], list: [1, 9, 2, 3] },
    { case: 'append to a list', patch: [{ op: 'add', path: '/spec/list/-', value: 9 }], list: [1, 2, 3, 9] },
    { case: 'remove from a list', patch: [{ op: 'remove', path: '/spec/list/0' }], list: [2, 3] },
    {
      case: 'replace',
      patch: [{ op: 'replace', path: '/status', value: 'new' }],
      result: { ...target, status: 'new' },
    },
    {
      case: 'escaped names',
      patch: [{ op: 'replace', path: '/spec/a~1b/~0', value: 'y' }],
      result: { ...target, spec: { ...target.spec, 'a/b': { '~': 'y' } } },
    },
    { case: 'move', patch: [{ op: 'move', from: '/status', path: '/was' }], result: { spec: target.spec, was: 'old' } },
    { case: 'copy', patch: [{ op: 'copy', from: '/spec/list/0', path: '/first' }], result: { ...target, first: 1 } },
    { case: 'a test that holds', patch: [{ op: 'test', path: '/spec/a~1b', value: { '~': 'x' } }], result: target },
    { case: 'the whole document', patch: [{ op: 'replace', path: '', value: {} }], result: {} },
  ])('$case', ({ patch, result, list }) => {
    expect(jsonPatch(target, patch)).toEqual(result ?? { ...target, spec: { ...target.spec, list } });
  });

  test.each([
    { case: 'a test that fails', patch: [{ op: 'test', path: '/status', value: 'new' }] },
    { case: 'removing what is not there', patch: [{ op: 'remove', path: '/nope' }] },
    { case: 'replacing what is not there', patch: [{ op: 'replace', path: '/nope', value: 1 }] },
    { case: 'a parent that is not there', patch: [{ op: 'add', path: '/a/b/c', value: 1 }] },
    { case: 'an index beyond the end', patch: [{ op: 'add', path: '/spec/list/4', value: 1 }] },
    { case: 'an index that is none', patch: [{ op: 'add', path: '/spec/list/01', value: 1 }] },
    { case: 'an operation that does not exist', patch: [{ op: 'increment', path: '/status' }] },
    { case: 'a path that is no pointer', patch: [{ op: 'add', path: 'status', value: 1 }] },
    { case: 'a move into itself', patch: [{ op: 'move', from: '/spec', path: '/spec/list' }] },
    { case: 'a prototype', patch: [{ op: 'add', path: '/__proto__/polluted', value: 1 }] },
    { case: 'a list’s length', patch: [{ op: 'replace', path: '/spec/list/length', value: 0 }] },
  ])('refuses $case', ({ patch }) => {
    expect(() => jsonPatch(target, patch)).toThrow(JsonPatchError);
  });

  test('is all or nothing', () => {
    const before = structuredClone(target);
    expect(() =>
      jsonPatch(target, [
        { op: 'remove', path: '/status' },
        { op: 'test', path: '/spec', value: 1 },
      ]),
    ).toThrow(JsonPatchError);
    expect(target).toEqual(before);
  });

  test('replacing a field and putting it back is nothing', () => {
    fc.assert(
      fc.property(map, key, value, (document, name, next) => {
        fc.pre(Object.hasOwn(document, name));
        const path = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        const there = jsonPatch(document, [{ op: 'replace', path, value: next }]);
        expect(jsonPatch(there, [{ op: 'replace', path, value: document[name] }])).toEqual(document);
      }),
    );
  });
});
