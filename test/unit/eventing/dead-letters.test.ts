/**
 * By the very files that are deployed: what cannot be delivered waits in the Broker of dead letters for as long as
 * dead-letter is away.
 */
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { DAY } from '#shared/durations.ts';
import { readDocuments } from '#shared/manifests/read-documents.ts';
import { isReady, post, type Response, startWorld, until, type World } from '#test/unit/broker/world.ts';

const folder = new URL('../../../eventing/base/functions/', import.meta.url).pathname;

let world: World;
afterEach(() => world.close());

/** Both Brokers and the Trigger of dead letters, as in eventing/; `answer` is the function dead-letter. */
async function deployed(answer: (count: number) => Response) {
  world = await startWorld({ delivery: readDocuments(join(folder, 'broker.yaml'))[0]?.['spec'].delivery });
  const files = ['dead-letters-broker.yaml', 'triggers/dead-letter.yaml'];
  for (const object of files.flatMap((file) => readDocuments(join(folder, file)))) {
    world.storage.create({ ...object, metadata: { ...object.metadata, namespace: 'ns' } });
  }
  const deadLetter = await world.subscriber((_, count) => answer(count));
  const spec = { template: { spec: { containers: [{ image: 'i' }] } } };
  const service = {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: 'dead-letter', namespace: 'ns' },
  };
  world.storage.create({ ...service, spec });
  world.storage.updateStatus('services.serving.knative.dev', 'ns', 'dead-letter', { address: { url: deadLetter.url } });
  // Before its Trigger has a queue, what comes to a Broker is dropped.
  await until(() => isReady(world.storage, 'triggers.eventing.knative.dev', 'dead-letter'));
  await until(() => isReady(world.storage, 'brokers.eventing.knative.dev', 'default'));
  const failing = await world.subscriber(() => ({ status: 500 }));
  await world.trigger('failing', failing.url);
  return { deadLetter, failing };
}

const dropped = () => world.tap.filter((entry) => entry.kind === 'dropped');

test('a letter that dead-letter refuses 200 times, two days long, arrives at last, and says where it failed', async () => {
  const { deadLetter, failing } = await deployed((count) => ({ status: count <= 200 ? 503 : 202 }));

  await post(world.url, { id: 'lost?' });

  await until(() => deadLetter.received.length > 200, 25);
  expect(world.slept.reduce((sum, wait) => sum + wait)).toBeGreaterThan(2 * DAY);
  expect(deadLetter.received.at(-1)?.headers).toMatchObject({
    'ce-id': 'lost?',
    'ce-knativeerrordest': failing.url,
    'ce-knativeerrorcode': '500',
  });
  expect(dropped()).toEqual([]);
});

test('a dispatcher that is stopped in mid-delivery and acknowledges first loses no letter: it goes round', async () => {
  let release: (response: Response) => void = () => {};
  const { deadLetter } = await deployed(() => ({ status: 202 }));
  const held = new Promise<Response>((resolve) => {
    release = resolve;
  });
  const slow = await world.subscriber(async (_, count) => (count === 1 ? await held : { status: 202 }));
  world.storage.updateStatus('services.serving.knative.dev', 'ns', 'dead-letter', { address: { url: slow.url } });
  await until(
    () =>
      world.storage.get('triggers.eventing.knative.dev', 'ns', 'dead-letter')?.['status']?.subscriberUri === slow.url,
  );

  await post(world.url, { id: 'under way' });
  await until(() => slow.received.length === 1);
  await world.broker.restartDispatcher('ns/dead-letter', 'dead-letter');
  await until(() => slow.received.length === 2);

  expect(slow.received.at(-1)?.headers).toMatchObject({ 'ce-id': 'under way', 'ce-knativeerrorcode': '-1' });
  expect(deadLetter.received).toEqual([]);
  expect(dropped()).toEqual([]);
  release({ status: 202 });
});
