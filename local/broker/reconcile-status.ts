/** The statuses of Broker and Trigger objects. */
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import { condition, keepTransitionTimes, withReady } from '#local/serving/conditions.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Destination } from '#shared/manifests/delivery-settings.ts';
import type { Address } from './address.ts';

/** What stands in a status: where it is, if it has an address, or what was asked for. */
export interface Resolved {
  wanted: Destination | undefined;
  address: Address | undefined;
}

/** True where the Broker is Ready. There is no RabbitMQ here, so nothing but its sink can be wrong. */
export function writeBrokerStatus(
  storage: ObjectStorage,
  broker: KubeObject,
  address: Address,
  sink: Resolved,
): boolean {
  const conditions = withReady([
    condition('Addressable'),
    condition('DeadLetterSinkReady', unresolved(sink, "Unable to get the DeadLetterSink's URI")),
  ]);
  const { name, namespace, generation } = broker.metadata;
  storage.updateStatus('brokers.eventing.knative.dev', namespace, name, {
    observedGeneration: generation,
    conditions: keepTransitionTimes(broker['status']?.conditions, conditions, new Date()),
    address: { name: 'http', url: address.url },
    ...(sink.address ? { deadLetterSinkUri: sink.address.url } : {}),
  });
  return conditions.at(-1)?.status === 'True';
}

export function writeTriggerStatus(
  storage: ObjectStorage,
  trigger: KubeObject,
  brokerIsReady: boolean,
  subscriber: Resolved,
  sink: Resolved,
): void {
  const message = `the Broker ${JSON.stringify(trigger['spec'].broker)} is missing or not Ready`;
  const conditions = withReady([
    condition('BrokerReady', brokerIsReady ? undefined : { reason: 'BrokerNotReady', message }),
    condition('SubscriberResolved', unresolved(subscriber, "Unable to get the Subscriber's Addressable")),
    condition('DeadLetterSinkResolved', unresolved(sink, "Unable to get the DeadLetterSink's URI")),
  ]);
  const { name, namespace, generation } = trigger.metadata;
  storage.updateStatus('triggers.eventing.knative.dev', namespace, name, {
    observedGeneration: generation,
    conditions: keepTransitionTimes(trigger['status']?.conditions, conditions, new Date()),
    ...(subscriber.address ? { subscriberUri: subscriber.address.url } : {}),
    ...(sink.address ? { deadLetterSinkUri: sink.address.url } : {}),
  });
}

function unresolved({ wanted, address }: Resolved, reason: string): { reason: string; message: string } | undefined {
  if (!wanted || address) {
    return undefined;
  }
  const { kind = 'the destination', name = '' } = wanted.ref ?? {};
  return { reason, message: `${kind} ${JSON.stringify(name)} does not exist, or has no address yet` };
}
