/** Builder and user functions come from zero for an event, and go back. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answering } from '#test/contract/sources.ts';
import { until } from '#test/contract/until.ts';
import { World } from '#test/contract/world.ts';

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

const podsOf = (service: string) => world.pods(`serving.knative.dev/service=${service}`);

/** Pods and Triggers: a dispatcher has the name of its Trigger. */
async function namedAfter(service: string): Promise<string[]> {
  const objects = [...(await world.pods('')), ...(await world.list('eventing.knative.dev/v1', 'Trigger'))];
  return objects.map(({ metadata }) => metadata?.name ?? '').filter((name) => name.startsWith(service));
}

/** Other tests may be calling it, too. */
async function atZero(service: string): Promise<void> {
  await until(`the pods of ${service} to be gone`, async () => (await podsOf(service)).length === 0, 120);
}

describe.concurrent('from zero for an event, and back', () => {
  test('a builder function', { timeout: 1_200_000 }, async () => {
    const identity = world.parser('nobody');
    await atZero('service-delete');

    await world.send({ type: 'service.delete', data: identity });

    expect((await world.seen('lifecycle.function.deleted', identity)).data.deleted).toEqual([]);
    expect(await podsOf('service-delete')).not.toEqual([]);
    await atZero('service-delete');
  });

  test('a user function, for a call; idle, it has no pod of any kind', { timeout: 1_200_000 }, async () => {
    const identity = world.parser('asleep');
    await world.upload(identity, answering('awake'));
    await world.send({
      type: 'build.start',
      data: { ...identity, parameters: { scaling: { scale_down_delay: '0s' } } },
    });
    const { data } = await world.seen('lifecycle.function.ready', identity);
    await atZero(data.service_name);
    expect(await namedAfter(data.service_name)).toEqual([]);

    await world.send({ type: 'parser.start', subject: `acme/${identity.parser_id}` });

    expect((await world.seen('parser.complete', identity)).data.result.answer).toBe('awake');
    await atZero(data.service_name);
  });
});
