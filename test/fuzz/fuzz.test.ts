/** A little of `make fuzz`, the same each time: RUNS inputs from SEED. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { areas } from './areas.ts';

const RUNS = Number(process.env['RUNS'] ?? 600);
const SEED = Number(process.env['SEED'] ?? 20_260_101);

test.each(areas)('$name: no crash, no hang, nothing outside its tenant', async ({ start, share }) => {
  const { property, close } = await start();
  try {
    await fc.assert(property, { numRuns: Math.ceil((RUNS * share) / 100), seed: SEED });
  } finally {
    await close();
  }
});

test('the shares make a whole', () => {
  expect(areas.reduce((sum, { share }) => sum + share, 0)).toBe(100);
});
