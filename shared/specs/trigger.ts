/** The Trigger of a function with a queue of its own. It brings back to the door the calls that it has handed on. */
import type { KnativeObject } from '#shared/clients/cluster.ts';
import { subjectOf } from '#shared/events/identity.ts';
import { type Build, buildAnnotations } from './annotations.ts';
import { LANE, type Lane, LONGEST_SHARED_CALL } from './delivery.ts';
import { buildKeyLabel, identityLabels } from './labels.ts';
import { functionName } from './names.ts';

const BROKER = 'default';
const DOOR = 'parser-events';
/** Calls in flight at once. Further ones wait in the queue, where they are safe, and not in the activator. */
const PARALLELISM = 50;
/**
 * For the dispatcher pod of each Trigger, which always runs and uses 8 MiB. With the RabbitMQ Broker's defaults (50m,
 * 64Mi) forty idle functions fill a node. Setting one of the four removes all defaults.
 */
const DISPATCHER_RESOURCES = {
  'cpu-request': '10m',
  'memory-request': '24Mi',
  'cpu-limit': '1',
  'memory-limit': '256Mi',
};
/**
 * The Service does not own it: the Trigger must outlive the Service until its queue is empty, so that the door can say
 * of each call in it that the function is gone. sweep deletes it then.
 */
export function functionTrigger(build: Build, { namespace }: { namespace: string }): KnativeObject {
  const name = functionName(build);
  const timeout = build.parameters.timeout_seconds ?? 0;
  return {
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Trigger',
    metadata: {
      name,
      namespace,
      labels: { ...identityLabels(build, 'function', name), ...buildKeyLabel(build.build_key) },
      annotations: {
        ...buildAnnotations(build),
        'rabbitmq.eventing.knative.dev/parallelism': String(PARALLELISM),
        ...Object.fromEntries(
          Object.entries(DISPATCHER_RESOURCES).map(([key, value]) => [`rabbitmq.eventing.knative.dev/${key}`, value]),
        ),
      },
    },
    spec: {
      broker: BROKER,
      filter: { attributes: { type: 'parser.deliver', subject: subjectOf(build), [LANE]: 'own' satisfies Lane } },
      subscriber: { ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: DOOR } },
      ...(timeout > LONGEST_SHARED_CALL ? { delivery: deliveryOf(timeout) } : {}),
    },
  };
}

/**
 * Repeats the dead letter sink: a Trigger with a delivery of its own, and without a sink, loses the events that fail.
 * Three retries of ten minutes are less than RabbitMQ's consumer_timeout of an hour.
 */
function deliveryOf(timeoutSeconds: number): object {
  return {
    retry: 3,
    backoffPolicy: 'exponential',
    backoffDelay: 'PT1S',
    timeout: `PT${timeoutSeconds + 10}S`,
    deadLetterSink: { ref: { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name: 'dead-letters' } },
  };
}
