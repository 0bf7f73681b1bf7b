/** W3C trace context. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTraceparent, newTraceparent, parseTraceparent } from '#shared/telemetry/traceparent.ts';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const span = '00f067aa0ba902b7';

describe('parseTraceparent', () => {
  test.each([
    { case: 'recorded', value: `00-${trace}-${span}-01`, flags: 1 },
    { case: 'not recorded', value: `00-${trace}-${span}-00`, flags: 0 },
    { case: 'flags of later versions', value: `00-${trace}-${span}-fd`, flags: 1 },
    { case: 'a later version with more fields', value: `01-${trace}-${span}-01-more`, flags: 1 },
    { case: 'white space around it', value: ` 00-${trace}-${span}-01 `, flags: 1 },
  ])('takes $case', ({ value, flags }) => {
    expect(parseTraceparent(value)).toEqual({ traceId: trace, spanId: span, flags });
  });

  test.each([
    { case: 'nothing', value: undefined },
    { case: 'a list', value: [`00-${trace}-${span}-01`] },
    { case: 'capitals', value: `00-${trace.toUpperCase()}-${span}-01` },
    { case: 'a trace of zeros', value: `00-${'0'.repeat(32)}-${span}-01` },
    { case: 'a span of zeros', value: `00-${trace}-${'0'.repeat(16)}-01` },
    { case: 'version ff', value: `ff-${trace}-${span}-01` },
    { case: 'version 00 with more fields', value: `00-${trace}-${span}-01-more` },
    { case: 'one digit too few', value: `00-${trace.slice(1)}-${span}-01` },
    { case: 'no end', value: `01-${trace}-${span}-01-${'x'.repeat(1000)}` },
  ])('does not take $case', ({ value }) => {
    expect(parseTraceparent(value)).toBeUndefined();
  });

  test('takes no random text and never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => parseTraceparent(text) === undefined));
  });
});

test('a new one is valid, not recorded, and another each time', () => {
  const made = [newTraceparent(), newTraceparent()];
  expect(made.map(formatTraceparent).map(parseTraceparent)).toEqual(made);
  expect(made.map(({ flags }) => flags)).toEqual([0, 0]);
  expect(made[0]?.traceId).not.toBe(made[1]?.traceId);
});
