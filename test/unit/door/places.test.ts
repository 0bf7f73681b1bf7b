/** Who may call how much at once, and who is next. */
import { describe, expect, test } from 'vitest';
import { createPlaces } from '#functions/parser-events/places.ts';

const of = (third_party_id: string, parser_id = 'p') => ({ third_party_id, parser_id });

test('a function holds its own bound, a tenant its share, and neither takes from another', () => {
  const places = createPlaces({ perTenant: 3 });
  expect(places.take('main', of('a', 'p1'), 2)).toBeDefined();
  const leave = places.take('main', of('a', 'p1'), 2);
  expect(places.take('main', of('a', 'p1'), 2)).toBeUndefined();
  expect(places.take('main', of('a', 'p2'), 9)).toBeDefined();
  expect(places.take('main', of('a', 'p3'), 9)).toBeUndefined();
  expect(places.take('main', of('b', 'p1'), 1)).toBeDefined();
  expect(places.take('overflow', of('a', 'p1'), 2)).toBeDefined();
  leave?.();
  leave?.();
  expect(places.take('main', of('a', 'p3'), 9)).toBeDefined();
  expect(places.take('main', of('a', 'p3'), 9)).toBeUndefined();
});

test('a queue of its own bounds a function, not its tenant', () => {
  const places = createPlaces({ perTenant: 1 });
  expect(places.take('own', of('a', 'p1'), 2)).toBeDefined();
  expect(places.take('own', of('a', 'p1'), 2)).toBeDefined();
  expect(places.take('own', of('a', 'p1'), 2)).toBeUndefined();
  expect(places.take('own', of('a', 'p2'), 1)).toBeDefined();
});

describe('who waits', () => {
  test('is admitted in the order of arrival, and past those whose function is full', async () => {
    const places = createPlaces({ perTenant: 2 });
    const [a1, a2] = [places.take('overflow', of('a', 'p1'), 1), places.take('overflow', of('a', 'p2'), 9)];
    const order: string[] = [];
    const waits = (name: string, parser: string, bound: number) =>
      places.wait('overflow', of('a', parser), bound, 5000).then((leave) => {
        order.push(name);
        return leave;
      });
    const [full, first, second] = [waits('full', 'p1', 1), waits('first', 'p2', 9), waits('second', 'p2', 9)];
    a2?.();
    (await first)?.();
    (await second)?.();
    a1?.();
    expect(await full).toBeDefined();
    expect(order).toEqual(['first', 'second', 'full']);
  });

  test('gets nothing when the time is over, and leaves nothing behind', async () => {
    const places = createPlaces({ perTenant: 1 });
    const held = places.take('overflow', of('a'), 9);
    expect(await places.wait('overflow', of('a'), 9, 20)).toBeUndefined();
    held?.();
    const again = places.take('overflow', of('a'), 9);
    expect(again).toBeDefined();
    again?.();
  });

  test('in any order of coming, waiting and leaving, holds no more than its share, and no place is lost', async () => {
    const places = createPlaces({ perTenant: 4 });
    const held = new Map<string, number>();
    let most = 0;
    let random = 1;
    const next = (below: number) => {
      random = (random * 48_271) % 2_147_483_647;
      return random % below;
    };
    const count = (tenant: string, change: number) => {
      held.set(tenant, (held.get(tenant) ?? 0) + change);
      most = Math.max(most, held.get(tenant) ?? 0);
    };
    const call = async (tenant: string) => {
      const leave = await places.wait('overflow', of(tenant, `p${next(3)}`), 2, next(6));
      if (leave) {
        count(tenant, 1);
        await new Promise((resolve) => setTimeout(resolve, next(4)));
        count(tenant, -1);
        leave();
      }
    };
    await Promise.all(Array.from({ length: 500 }, (_, n) => call(`t${n % 3}`)));
    expect(most).toBe(4);
    for (const tenant of ['t0', 't1', 't2']) {
      expect([1, 2, 3, 4].map(() => places.take('overflow', of(tenant, 'x'), 9)).every(Boolean)).toBe(true);
      expect(places.take('overflow', of(tenant, 'x'), 9)).toBeUndefined();
    }
  });
});
