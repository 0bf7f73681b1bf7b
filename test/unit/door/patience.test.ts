/** When a call has waited for its function for as long as the Broker tries. */
import { expect, test } from 'vitest';
import { createPatience } from '#functions/parser-events/patience.ts';

const call = { source: 's', id: '1' };
const SECOND = 1000;

test('the last of the Broker’s six tries is the last', () => {
  let clock = 0;
  const patience = createPatience(() => new Date(clock));
  const tries = [0, 2, 6, 14, 30, 62].map((second) => {
    clock = second * SECOND;
    return patience.isOver(call);
  });
  expect(tries).toEqual([false, false, false, false, false, true]);
  expect(patience.isOver(call)).toBe(false);
});

test('the same call sent again later waits anew', () => {
  let clock = 0;
  const patience = createPatience(() => new Date(clock));
  patience.isOver(call);
  clock = 600 * SECOND;
  expect(patience.isOver(call)).toBe(false);
  expect(patience.isOver({ ...call, source: 'another' })).toBe(false);
});

test('of many calls the longest silent are forgotten first', () => {
  let clock = 0;
  const patience = createPatience(() => new Date(clock));
  for (let n = 0; n < 10_000; n += 1) {
    patience.isOver({ source: 's', id: String(n) });
  }
  clock = 30 * SECOND;
  patience.isOver({ source: 's', id: '0' });
  patience.isOver({ source: 's', id: 'one more' });
  clock = 60 * SECOND;
  expect(patience.isOver({ source: 's', id: '0' })).toBe(true);
  expect(patience.isOver({ source: 's', id: '1' })).toBe(false);
});
