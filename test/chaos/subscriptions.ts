/** Who gets which events, and how they are delivered: read from the Triggers and the Broker that are deployed. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { KnativeObject } from '#shared/clients/cluster.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { type DeliverySettings, type DeliverySpec, deliverySettings } from '#shared/manifests/delivery-settings.ts';
import { readDocuments } from '#shared/manifests/read-documents.ts';

export interface Subscription {
  /** The Trigger's name. */
  name: string;
  /** The Service's name. */
  subscriber: string;
  filter: Record<string, string>;
  settings: DeliverySettings;
  /** A function, because the Broker of dead letters is its own dead-letter sink. */
  deadLetters: () => Subscription | undefined;
}

const DIRECTORY = join(import.meta.dirname, '../../eventing/base/functions');
/** Nothing depends on these: they start pods early, keep what happened, or do what a person asks for. */
const NOT_SIMULATED = /-wake$|^dead-letter-|^recorded/;

const objects = [
  ...readDocuments(join(DIRECTORY, 'broker.yaml')),
  ...readDocuments(join(DIRECTORY, 'dead-letters-broker.yaml')),
  ...readdirSync(join(DIRECTORY, 'triggers'))
    .filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml')
    .flatMap((file) => readDocuments(join(DIRECTORY, 'triggers', file))),
];

function deadLettersOf(delivery: DeliverySpec | undefined): Subscription | undefined {
  const sink = delivery?.deadLetterSink?.ref;
  if (!sink) {
    return undefined;
  }
  if (sink.kind === 'Broker') {
    return triggersOf(sink.name)[0];
  }
  const settings = deliverySettings(delivery);
  return { name: 'dead-letters', subscriber: sink.name, filter: {}, settings, deadLetters: () => undefined };
}

function triggersOf(broker: string): Subscription[] {
  return objects
    .filter(({ kind, spec }) => kind === 'Trigger' && spec.broker === broker)
    .filter(({ metadata }) => !NOT_SIMULATED.test(metadata.name))
    .map((trigger) => subscriptionOf(trigger as KnativeObject));
}

/** What a Trigger asks of its Broker. */
export function subscriptionOf({ metadata, spec }: KnativeObject): Subscription {
  const delivery: DeliverySpec | undefined = spec.delivery ?? find('Broker', spec.broker)['spec'].delivery;
  return {
    name: metadata.name,
    subscriber: spec.subscriber.ref.name,
    filter: spec.filter?.attributes ?? {},
    settings: deliverySettings(delivery),
    deadLetters: () => deadLettersOf(delivery),
  };
}

function find(kind: string, name: string): KubeObject {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (!found) {
    throw new Error(`there is no ${kind} ${name} under ${DIRECTORY}`);
  }
  return found;
}

const all = triggersOf('default');

/** Those of the Triggers that are deployed, and of `others`. Values are compared exactly, as by RabbitMQ. */
export function subscriptionsTo(headers: Record<string, string>, others: Iterable<Subscription>): Subscription[] {
  return [...all, ...others].filter(({ filter }) =>
    Object.entries(filter).every(([name, value]) => headers[`ce-${name}`] === value),
  );
}
