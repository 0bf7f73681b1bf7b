/** The times of lines, of which the platform knows only when their file was written last. */
import { expect, test } from 'vitest';
import { LineTimes } from '#local/kubelet/line-times.ts';

const at = (seconds: number) => new Date(`2026-11-27T10:00:0${seconds}.000Z`);

test('a line keeps its time, later ones have a later one, and no two the same', () => {
  const times = new LineTimes();
  expect(times.of(Buffer.from('one\ntwo\nthr'), at(1))).toEqual([
    '2026-11-27T10:00:01.000000000Z',
    '2026-11-27T10:00:01.000000001Z',
  ]);
  const all = times.of(Buffer.from('one\ntwo\nthree\nfour\n'), at(2));
  expect(all).toEqual([
    '2026-11-27T10:00:01.000000000Z',
    '2026-11-27T10:00:01.000000001Z',
    '2026-11-27T10:00:02.000000000Z',
    '2026-11-27T10:00:02.000000001Z',
  ]);
});

test('a clock that was set back turns no order round', () => {
  const times = new LineTimes();
  times.of(Buffer.from('one\n'), at(2));
  const all = times.of(Buffer.from('one\ntwo\n'), at(1));
  expect([...all].sort()).toEqual(all);
  expect(new Set(all).size).toBe(2);
});
