/** Events as a handler receives them. */
import { CloudEvent } from 'cloudevents';
import type { ReceivedEvent } from '#shared/events/event.ts';

/** `data` is taken as valid: the schemas have tests of their own. */
export function received<Type extends string, Data>(
  type: Type,
  data: Data,
  attributes: {
    id?: string;
    source?: string;
    subject?: string;
    time?: string;
    [extension: string]: string | number | undefined;
  } = {},
): ReceivedEvent<Data> & { type: Type } {
  const { id = 'event-1', source = 'test', subject, time = '2026-01-02T03:04:05.000Z', ...extensions } = attributes;
  const original = new CloudEvent<unknown>(
    {
      ...extensions,
      type,
      id,
      source,
      ...(subject ? { subject } : {}),
      time,
      datacontenttype: 'application/json',
      data,
    },
    false,
  );
  return { type, id, source, subject, time, data, correlationId: 'correlation-1', traceparent: undefined, original };
}
