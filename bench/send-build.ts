/** Asks the Broker for a build, as a client does. */
import { randomUUID } from 'node:crypto';
import type { Identity } from '#shared/events/identity.ts';

export function sendBuild(brokerUrl: string, identity: Identity): Promise<Response> {
  return fetch(brokerUrl, {
    method: 'POST',
    headers: {
      'ce-specversion': '1.0',
      'ce-id': randomUUID(),
      'ce-source': 'bench',
      'ce-type': 'build.start',
      'content-type': 'application/json',
    },
    body: JSON.stringify(identity),
  });
}
