/** An event to the Broker in binary mode, as anybody's curl would send it. */
import { randomUUID } from 'node:crypto';

/** The event's id. Throws where the Broker does not take it. */
export async function sendEvent(
  brokerUrl: string,
  event: { type: string; subject: string; data: unknown },
): Promise<string> {
  const id = randomUUID();
  const answer = await fetch(brokerUrl, {
    method: 'POST',
    headers: {
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': 'make-run',
      'ce-type': event.type,
      'ce-subject': event.subject,
      'content-type': 'application/json',
    },
    body: JSON.stringify(event.data),
  });
  if (answer.status !== 202) {
    throw new Error(`the Broker did not take ${event.type}: HTTP ${answer.status} ${await answer.text()}`);
  }
  return id;
}
