/** What the CloudEvents Go SDK finds wrong with an event it could read (event/eventcontext_v1.go: Validate). */
import type { BrokerEvent } from './broker-event.ts';

const MEDIA_TYPE = /^[\w!#$&^.+-]+(\/[\w!#$&^.+-]+)?\s*(;.*)?$/;

/** One sentence; undefined where the event is valid. */
export function invalidEvent({ attributes }: BrokerEvent): string | undefined {
  const missing = ['id', 'source', 'type'].find((name) => String(attributes[name] ?? '').trim() === '');
  if (missing !== undefined) {
    return `${missing} is required and must not be empty`;
  }
  if (String(attributes['subject'] ?? 'present').trim() === '') {
    return 'subject must not be empty';
  }
  if (!MEDIA_TYPE.test(String(attributes['datacontenttype'] ?? 'application/json'))) {
    return 'datacontenttype must be a media type';
  }
  return undefined;
}
