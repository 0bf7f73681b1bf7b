/** An event as the Broker's ingress takes it, in binary mode. */
import type { CloudEvent } from 'cloudevents';
import type { Broker } from '#shared/clients/broker.ts';
import { eventAnswer } from '#shared/runtime/event-answer.ts';

export async function send(broker: Broker, event: CloudEvent<unknown>): Promise<void> {
  const { headers, body } = eventAnswer(event);
  await broker.publish({ headers, body: Buffer.from(body) });
}
