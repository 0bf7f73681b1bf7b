/**
 * An event that a subscriber did not answer (knativeerrorcode -1) is sent to the Broker again by itself, and is kept at
 * last.
 */
import { KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { until } from './until.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

const SINK = { ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: 'dead-letter' } };
/** On any machine, in any pod: nobody listens on the port `discard`. */
const NOBODY = 'http://127.0.0.1:9/';

/** With a delivery of its own, for the Broker's tries for a minute each time. */
async function subscribeMute(name: string, uri: string, type: string): Promise<void> {
  const { kubeconfig, namespace } = world.platform;
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  onTestFinished(() => world.remove('eventing.knative.dev/v1', 'Trigger', name));
  await KubernetesObjectApi.makeApiClient(config).create({
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Trigger',
    metadata: { name, namespace },
    spec: {
      broker: 'default',
      filter: { attributes: { type } },
      subscriber: { uri },
      delivery: { retry: 1, backoffPolicy: 'linear', backoffDelay: 'PT0.5S', deadLetterSink: SINK },
    },
  } as never);
  await until(`Trigger ${name} to be Ready`, async () => {
    const { status } = await world.object('eventing.knative.dev/v1', 'Trigger', name);
    return status?.conditions?.some(
      (condition: { type: string; status: string }) => condition.type === 'Ready' && condition.status === 'True',
    );
  });
}

async function letterOf(type: string): Promise<Record<string, unknown> | undefined> {
  const [letter] = await until('its dead letter', async () => {
    const letters = await world.deadLetters(type);
    return letters.length > 0 ? letters : undefined;
  });
  return letter;
}

const seen = (type: string) => world.events.filter((event) => event.type === type);

test('an event that is not answered is sent again three times, as it was, and then kept with how often that was', async () => {
  const type = `test.unanswered.${crypto.randomUUID().slice(0, 8)}`;
  // Somebody listens, and no answer comes: it does not speak TLS. On a laptop names of Services resolve nowhere, so
  // nobody can tell.
  const { hostname, port } = new URL(world.platform.probe.subscriber);
  const isLaptop = hostname === '127.0.0.1';
  const host = isLaptop ? `mute.${world.platform.namespace}.svc.cluster.local` : `${hostname}:${port || 80}`;
  const uri = `https://${host}/`;
  await subscribeMute(`unanswered-${type.slice(-8)}`, uri, type);

  const sent = { type, id: type, subject: 'acme/p1', time: '2026-01-02T03:04:05.125Z', data: { n: 1 } };
  expect(await world.send({ ...sent, extensions: { correlationid: 'chain-1' } })).toBe(202);

  expect(await letterOf(type)).toMatchObject({
    category: 'transient',
    reason: 'DispatcherStopped',
    code: -1,
    redeliveries: 3,
    destination: uri,
    message: expect.stringContaining('Sent again 3 times'),
  });
  // A real Broker promises neither the order of deliveries nor that each comes once.
  const times = () => {
    const counts = seen(type).map(({ redeliveries }) => Number(redeliveries ?? 0));
    return isLaptop ? counts : [...new Set(counts)].sort();
  };
  await until('the recorder', () => times().length === 4);
  expect(times()).toEqual([0, 1, 2, 3]);
  for (const event of seen(type)) {
    expect(event).toMatchObject({ ...sent, source: 'test', correlationid: 'chain-1' });
    expect(Object.keys(event).filter((name) => name.startsWith('knativeerror'))).toEqual([]);
  }
});

test('where nobody listens it is kept at once: all other subscribers would get it again in vain', async () => {
  const type = `test.nobody.${crypto.randomUUID().slice(0, 8)}`;
  await subscribeMute(`nobody-${type.slice(-8)}`, NOBODY, type);

  await world.send({ type, id: type });

  expect(await letterOf(type)).toMatchObject({ category: 'transient', reason: 'Unavailable', code: -1 });
  expect(seen(type)).toHaveLength(1);
});
