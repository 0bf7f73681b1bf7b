/** A dispatcher that is stopped in the middle of its deliveries: what becomes of them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pause, until } from '#test/contract/until.ts';
import { World } from '#test/contract/world.ts';

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

const EVENTS = 20;
const ROUNDS = 3;
/**
 * The Broker's dispatcher acknowledges an event before it publishes it as a dead letter; stopped between the two, it
 * loses the event where nobody of ours can see it (3 of some 360 deliveries that were cut off).
 */
const LOST_BY_THE_BROKER = 2;

test('what it had in hand is redelivered, or dead-lettered with -1 and sent again by itself', async () => {
  const type = `test.slow.${crypto.randomUUID().slice(0, 8)}`;
  const name = `slow-${type.slice(-8)}`;
  const path = `answer/202/${type}`;
  await world.subscribe(name, `${path}?after=5000`, { type });
  const ids = Array.from({ length: EVENTS }, (_, n) => `${type}-${n}`);

  // Which of the two happens is a race; more than one try shows more of it.
  for (let round = 1; round <= ROUNDS; round += 1) {
    const dispatcher = await until('a dispatcher', async () =>
      (await world.pods('eventing.knative.dev/brokerRole=dispatcher')).find(
        ({ metadata, status }) =>
          metadata?.name?.startsWith(`${name}-dispatcher-`) &&
          !metadata.deletionTimestamp &&
          status?.phase === 'Running',
      ),
    );
    if (round === 1) {
      // Not before there is somebody to stop: on a slow machine all would have been answered by then.
      await Promise.all(ids.map((id) => world.send({ type, id })));
    }
    await pause(0.5);
    await world.remove('v1', 'Pod', dispatcher.metadata?.name ?? '');
  }

  const answered = () => new Set(world.deliveries(path).flatMap((one) => (one.answered ? one.headers['ce-id'] : [])));
  await until('every event to have been answered', () => answered().size === EVENTS, 15).catch(() => undefined);
  const lost = ids.filter((id) => !answered().has(id));
  const deliveries = world.deliveries(path);
  const cutOff = deliveries.filter((one) => !one.answered);
  const sentAgain = new Set(
    world.events.filter((event) => event.type === type && event['redeliveries']).map(({ id }) => id),
  );
  console.log(
    `${cutOff.length} deliveries were cut off, ${sentAgain.size} events were sent again by dead-letter, ${lost.length} lost by the Broker`,
  );
  expect(cutOff.length).toBeGreaterThan(0);
  expect(lost.length).toBeLessThanOrEqual(LOST_BY_THE_BROKER);
  expect([...sentAgain].filter((id) => lost.includes(id))).toEqual([]);
  expect(await world.deadLetters(type)).toEqual([]);
});
