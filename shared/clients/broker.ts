/** The client of the Broker's ingress. Every event of ours that is no reply is sent by it. */
import type { CloudEvent } from 'cloudevents';
import { SECOND } from '#shared/durations.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import type { EventClaims } from '#shared/events/signature.ts';
import { writeBinary } from '#shared/runtime/binary-mode.ts';
import { type KeySettings, signHeaders, signingKeys } from '#shared/runtime/signing.ts';

/** The ingress answers 400 to an event that it cannot read. A proxy before it answers 413 to one that is too long. */
const NOT_TAKEN = new Set([400, 413]);

/**
 * An event in binary or structured mode. Header values are Latin-1, each character one byte, as Node reads them: so
 * they are sent as they came.
 */
export interface RawEvent {
  headers: Record<string, string>;
  body: Buffer;
}

/**
 * Both methods resolve when the Broker has stored the event. RetryableError('BrokerUnavailable') means that it may not
 * have: send the event again. PermanentError('InvalidEvent') means that it never takes this event.
 */
export interface Broker {
  send(event: CloudEvent<unknown>): Promise<void>;
  /** For an event that is passed on byte for byte. Without `claims` it is not signed: nobody vouches for it. */
  publish(event: RawEvent, claims?: EventClaims): Promise<void>;
}

/**
 * `answerWithin` in milliseconds: the ingress itself waits for RabbitMQ's confirmation without limit. Aborting `signal`
 * ends the wait as well.
 */
export function createBroker(
  { BROKER_URL, ...settings }: { BROKER_URL: string } & KeySettings,
  answerWithin = 10 * SECOND,
  signal = new AbortController().signal,
): Broker {
  const keys = signingKeys(settings);
  return brokerOver(async ({ headers: given, body }, claims) => {
    const headers = { ...given };
    if (keys && claims) {
      signHeaders(headers, body, keys, claims);
    }
    const response = await fetch(BROKER_URL, {
      method: 'POST',
      headers,
      // Not a string: fetch would add a Content-Type to an event that has none.
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

/** Makes a Broker of a way to publish bytes: the real one, the simulator's, a test's. */
export function brokerOver(publish: Broker['publish']): Broker {
  return {
    publish,
    send: async (event) => {
      const { headers, body } = writeBinary(event);
      // The ingress reads the parent of its span from the HTTP header, not from the event.
      const hop = event['traceparent'] ? { traceparent: String(event['traceparent']) } : {};
      await publish({ headers: { ...headers, ...hop }, body: Buffer.from(body) }, {});
    },
  };
}
