/** One member of a JSON object, untouched. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rawMember } from '#local/broker/raw-member.ts';

test.each([
  { case: 'a number beyond 2^53', json: '{"data":12345678901234567890}', raw: '12345678901234567890' },
  { case: 'the same name deeper down', json: '{"x":{"data":1},"data":2}', raw: '2' },
  { case: 'the name as a value', json: '{"x":"data","data":3}', raw: '3' },
  { case: 'an escaped name', json: '{"d\\u0061ta":4}', raw: '4' },
  { case: 'brackets and quotes in strings', json: '{"x":"}],\\"","data":"{\\\\"}', raw: '"{\\\\"' },
  { case: 'spaces', json: '{ "data" : [ 1 , 2 ] , "x":1}', raw: '[ 1 , 2 ]' },
  { case: 'the last of two', json: '{"data":1,"data":2}', raw: '2' },
  { case: 'none', json: '{"x":[{"data":1}]}', raw: undefined },
  { case: 'an empty object', json: '{}', raw: undefined },
])('$case', ({ json, raw }) => {
  expect(rawMember(json, 'data')).toBe(raw);
});

test('is the member, for any object and any way to print it', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.jsonValue(),
      fc.constantFrom(0, 2),
      (others, data, indent) => {
        const json = JSON.stringify({ ...others, data, last: 1 }, null, indent);
        const raw = rawMember(json, 'data');

        expect(JSON.parse(raw ?? '')).toEqual(JSON.parse(JSON.stringify(data)));
        expect(json).toContain(raw);
      },
    ),
  );
});
