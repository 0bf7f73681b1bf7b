/** A queue hands out, keeps, and gives back in order. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Delivery, Queue } from '#local/broker/queue.ts';
import { QueueLog } from '#local/broker/queue-log.ts';

const message = (n: number) => ({ headers: { id: n }, body: Buffer.alloc(0) });
const inMemory = () => new Queue(new QueueLog().open('queue'));
const ids = (deliveries: Delivery[]) => deliveries.map((delivery) => delivery.message.headers['id']);

function consume(queue: Queue, prefetch = 100) {
  const got: Delivery[] = [];
  return { got, channel: queue.consume(prefetch, (delivery) => got.push(delivery)) };
}

describe('Queue', () => {
  test('hands out no more than the prefetch ahead of the acknowledgements', () => {
    const queue = inMemory();
    for (let n = 0; n < 250; n++) {
      queue.push(message(n));
    }
    const { got, channel } = consume(queue);
    expect(got).toHaveLength(100);

    channel.ack(got[99] as Delivery);

    expect(got).toHaveLength(101);
    expect(queue.length).toBe(249);
  });

  test('gives back what was not acknowledged, in its old place, and hears no late acknowledgement', () => {
    const queue = inMemory();
    for (let n = 0; n < 4; n++) {
      queue.push(message(n));
    }
    const first = consume(queue, 3);
    first.channel.ack(first.got[1] as Delivery);
    first.channel.close();
    first.channel.ack(first.got[0] as Delivery);

    const { got } = consume(queue);

    expect(ids(got)).toEqual([0, 2, 3]);
    expect(consume.bind(null, queue)).toThrow('a consumer already');
  });

  test('loses and doubles nothing, whatever is acknowledged before its consumer dies', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 10 }),
        fc.array(fc.nat(), { maxLength: 60 }),
        (count, prefetch, picks) => {
          const queue = inMemory();
          for (let n = 0; n < count; n++) {
            queue.push(message(n));
          }
          const { got, channel } = consume(queue, prefetch);
          const open = () => got.filter((delivery) => !acked.has(delivery));
          const acked = new Set<Delivery>();
          for (const pick of picks) {
            const delivery = open()[pick % Math.max(open().length, 1)];
            if (delivery) {
              acked.add(delivery);
              channel.ack(delivery);
            }
            expect(open().length).toBeLessThanOrEqual(prefetch);
          }
          channel.close();

          const left = ids(consume(queue, count + 1).got);
          const done = new Set(ids([...acked]));
          expect(left).toEqual(Array.from({ length: count }, (_, n) => n).filter((n) => !done.has(n)));
        },
      ),
    );
  });
});
