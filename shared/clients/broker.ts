/** The Broker's ingress: the one way in which our code sends an event that is no reply. */
import type { CloudEvent } from 'cloudevents';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import { writeBinary } from '#shared/runtime/binary-mode.ts';

const SECOND = 1000;

/** What the ingress says of an event that it cannot read, and whatever stands before it of one that is too long. */
const NOT_TAKEN = new Set([400, 413]);

/** An event in binary or structured mode. Header values are Latin-1, each character one byte, as Node reads them: so they go out as they came. */
export interface RawEvent {
  headers: Record<string, string>;
  body: Buffer;
}

/**
 * Both resolve once the Broker has stored the event. RetryableError('BrokerUnavailable') where it may not have: sending it again is right.
 * PermanentError('InvalidEvent') where it takes no such event.
 */
export interface Broker {
  send(event: CloudEvent<unknown>): Promise<void>;
  /** For what has to go on byte for byte. */
  publish(event: RawEvent): Promise<void>;
}

/** The ingress waits for RabbitMQ's confirmation for ever, hence a limit of our own. Whoever aborts `signal` waits no longer than that. */
export function createBroker(
  { BROKER_URL }: { BROKER_URL: string },
  answerWithin = 10 * SECOND,
  signal = new AbortController().signal,
): Broker {
  return brokerOver(async ({ headers, body }) => {
    const response = await fetch(BROKER_URL, {
      method: 'POST',
      headers,
      // Not a string, which would bring a Content-Type of its own to an event that has none.
      body: new Uint8Array(body),
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithin)]),
    }).catch((cause: unknown) => {
      throw unavailable('cannot be reached', cause);
    });
    await response.arrayBuffer().catch(() => undefined);
    if (NOT_TAKEN.has(response.status)) {
      throw new PermanentError(
        'InvalidEvent',
        `the Broker at ${BROKER_URL} takes no such event: it answered ${response.status}`,
      );
    }
    if (!response.ok) {
      throw unavailable(`answered ${response.status}`);
    }
  });

  function unavailable(what: string, cause?: unknown): RetryableError {
    const message = `the Broker at ${BROKER_URL} ${what}: see \`kubectl get brokers,pods\`, and that BROKER_URL in ConfigMap knative-lambda-config is the Broker's address`;
    return new RetryableError('BrokerUnavailable', message, { cause });
  }
}

/** A Broker that takes events as bytes in one way or another: the real one, the simulator's, a test's. */
export function brokerOver(publish: Broker['publish']): Broker {
  return {
    publish,
    send: (event) => {
      const { headers, body } = writeBinary(event);
      // The ingress takes the span that it belongs to from the request, not from the event.
      const hop = event['traceparent'] ? { traceparent: String(event['traceparent']) } : {};
      return publish({ headers: { ...headers, ...hop }, body: Buffer.from(body) });
    },
  };
}
