/** A Broker object's status, and whether its dead letters can be delivered. */
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import { keepTransitionTimes } from '#local/serving/conditions.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Address } from './address.ts';
import { brokerConfigProblem } from './broker-config.ts';
import type { BrokerRuntime } from './broker-runtime.ts';
import { condition, withReady } from './ready-condition.ts';

/** `sink` is where the Broker's deadLetterSink is, if it has one and that has an address. True where the Broker is Ready. */
export function reconcileBroker(
  broker: KubeObject,
  runtime: BrokerRuntime,
  sink: Address | undefined,
  storage: ObjectStorage,
): boolean {
  const { name, namespace, generation } = broker.metadata;
  const wrongConfig = brokerConfigProblem(broker, storage);
  const wantsSink = runtime.delivery.deadLetterSink !== undefined;
  if (sink) {
    runtime.deliverDeadLetters(sink);
  }
  const conditions = withReady([
    condition(
      'ExchangeReady',
      wrongConfig === undefined
        ? undefined
        : {
            reason: 'ExchangeCredentialsUnavailable',
            message: `Failed to get arguments for creating exchange: ${wrongConfig}`,
          },
    ),
    condition('DLXReady'),
    condition(
      'DeadLetterSinkReady',
      wantsSink && !sink
        ? {
            reason: "Unable to get the DeadLetterSink's URI",
            message: 'the deadLetterSink does not exist, or has no address yet',
          }
        : undefined,
    ),
    condition('SecretReady'),
    condition('IngressReady'),
    condition('Addressable'),
  ]);
  storage.updateStatus('brokers.eventing.knative.dev', namespace, name, {
    observedGeneration: generation,
    conditions: keepTransitionTimes(broker['status']?.conditions, conditions, new Date()),
    address: { name: 'http', url: runtime.address.url },
    ...(sink ? { deadLetterSinkUri: sink.url } : {}),
  });
  return conditions.at(-1)?.status === 'True';
}
