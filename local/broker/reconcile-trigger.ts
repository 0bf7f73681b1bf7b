/** A Trigger object's status, and its dispatcher started as soon as its subscriber has an address. */
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import { keepTransitionTimes } from '#local/serving/conditions.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { type Resolve, resolveDestination } from './address.ts';
import { condition, withReady } from './ready-condition.ts';
import type { TriggerRuntime } from './trigger-runtime.ts';

/** `runtime` is undefined while the Broker is missing or not Ready: then nothing but the status is done, and no queue exists yet. */
export function reconcileTrigger(
  trigger: KubeObject,
  runtime: TriggerRuntime | undefined,
  resolve: Resolve,
  storage: ObjectStorage,
): void {
  const { name, namespace = '', generation } = trigger.metadata;
  const spec = trigger['spec'] ?? {};
  const subscriber = resolveDestination(spec.subscriber ?? {}, namespace, resolve);
  const wantsSink = spec.delivery?.deadLetterSink !== undefined;
  const sink = wantsSink ? resolveDestination(spec.delivery.deadLetterSink, namespace, resolve) : undefined;
  if (runtime && subscriber && (sink || !wantsSink)) {
    runtime.dispatch(trigger, subscriber, sink);
  }
  const brokerProblem = {
    reason: 'BrokerNotReady',
    message: `the Broker ${JSON.stringify(spec.broker)} is missing or not Ready`,
  };
  const waits = { status: 'Unknown' as const, reason: 'Waiting', message: 'the Broker is not Ready' };
  const conditions = withReady([
    condition('BrokerReady', runtime ? undefined : brokerProblem),
    condition('SubscriptionReady', runtime ? undefined : waits),
    condition('DependencyReady', runtime ? undefined : waits),
    condition(
      'SubscriberResolved',
      subscriber
        ? undefined
        : { reason: "Unable to get the Subscriber's Addressable", message: notFound(spec.subscriber) },
    ),
    condition(
      'DeadLetterSinkResolved',
      wantsSink && !sink
        ? { reason: "Unable to get the DeadLetterSink's URI", message: notFound(spec.delivery.deadLetterSink) }
        : undefined,
    ),
    condition('OIDCIdentityCreated'),
  ]);
  storage.updateStatus('triggers.eventing.knative.dev', namespace, name, {
    observedGeneration: generation,
    conditions: keepTransitionTimes(trigger['status']?.conditions, conditions, new Date()),
    ...(subscriber ? { subscriberUri: subscriber.url } : {}),
    ...(sink ? { deadLetterSinkUri: sink.url } : {}),
  });
}

function notFound(destination: { ref?: { kind?: string; name?: string } } | undefined): string {
  const { kind, name } = destination?.ref ?? {};
  return `${kind ?? 'the destination'} ${JSON.stringify(name ?? '')} does not exist, or has no address yet`;
}
