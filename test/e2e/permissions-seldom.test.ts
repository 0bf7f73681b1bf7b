/** Rights that only a rare race needs: made to happen here, so that they are seen to be needed, and to suffice. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering } from '../contract/sources.ts';
import { until } from '../contract/until.ts';
import { World } from '../contract/world.ts';

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

/** service-delete writes its tombstone before it lists what is to go: what build-complete applies in between is build-complete's to take back. */
test('build-complete takes back what it deployed while service.delete came', async () => {
  const identity = world.parser('taken-back');
  await world.upload(identity, answering('taken back'));
  await world.send({ type: 'build.start', data: identity });
  await world.seen('lifecycle.function.ready', identity);
  const complete = await world.seen('build.complete', identity);

  const time = new Date(Date.parse(complete.data.observed_at) + 1000).toISOString();
  await world.put(
    world.platform.temporaryBucket,
    `tombstones/${identity.third_party_id}/${identity.parser_id}.json`,
    JSON.stringify({ event_id: 'service-delete-that-died', time, deleted: [], contexts: [] }),
  );
  await world.send({
    type: 'build.complete',
    id: `again-${identity.parser_id}`,
    subject: `${identity.third_party_id}/${identity.parser_id}`,
    data: complete.data,
  });

  const told = await world.seen('lifecycle.build.failed', identity);
  expect(told.data).toMatchObject({ status: 'cancelled', reason: 'Cancelled' });
  await until('Service and Trigger to be gone', async () => {
    const left = [...(await world.services(identity)), ...(await world.triggers(identity))];
    return left.length === 0;
  });
});
