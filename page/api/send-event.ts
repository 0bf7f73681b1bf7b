/** Posts an event: the only way in which the page changes anything. */
import { call } from './client.ts';

export interface EventToSend {
  type: 'build.start' | 'parser.start' | 'service.delete' | 'dead-letter.replay' | 'dead-letter.purge';
  /** `{third_party_id}/{parser_id}`. */
  subject?: string;
  data: unknown;
}

export interface Sent {
  id: string;
  /** Every event that this one leads to has it. */
  correlation_id: string;
  trace_id: string;
}

export const SOURCE = 'knative-lambda-page';

/** Throws ApiError where it was refused or nobody took it. */
export async function sendEvent({ type, subject, data }: EventToSend): Promise<Sent> {
  const sent = { id: hex(16), correlation_id: hex(16), trace_id: hex(16) };
  await call('/', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': sent.id,
      'ce-source': SOURCE,
      'ce-type': type,
      ...(subject === undefined ? {} : { 'ce-subject': subject }),
      'ce-time': new Date().toISOString(),
      'ce-correlationid': sent.correlation_id,
      'ce-traceparent': `00-${sent.trace_id}-${hex(8)}-01`,
    },
    body: JSON.stringify(data),
  });
  return sent;
}

/** Unlike crypto.randomUUID, also where the page came without TLS. */
function hex(length: number): string {
  return [...crypto.getRandomValues(new Uint8Array(length))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
