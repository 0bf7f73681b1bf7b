/** An event as log fields and as span attributes. */

import { bounded } from '#shared/bounded-text.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import { identityFromAttributes } from '#shared/events/identity.ts';
import type { SpanAttributes } from '#shared/telemetry/traces.ts';

/** Ids are those of the data, which the attributes have completed, else those of the attributes of an event that is refused. */
export function eventFields(event: ReceivedEvent<unknown> | undefined): Record<string, string> {
  if (!event) {
    return {};
  }
  return {
    event_id: bounded(event.id),
    event_type: bounded(event.type),
    event_source: bounded(event.source),
    ...(event.subject ? { event_subject: bounded(event.subject) } : {}),
    ...identityOf(event),
  };
}

/** Names of the CloudEvents and FaaS semantic conventions. */
export function spanAttributes(event: ReceivedEvent<unknown>): SpanAttributes {
  const identity = Object.entries(identityOf(event)).map(([name, value]) => [`knative_lambda.${name}`, value]);
  return {
    'cloudevents.event_id': bounded(event.id),
    'cloudevents.event_source': bounded(event.source),
    'cloudevents.event_type': bounded(event.type),
    'cloudevents.event_spec_version': event.original.specversion,
    ...(event.subject ? { 'cloudevents.event_subject': bounded(event.subject) } : {}),
    'faas.trigger': 'pubsub',
    'faas.invocation_id': bounded(event.id),
    'knative_lambda.correlation_id': bounded(event.correlationId),
    ...Object.fromEntries(identity),
  };
}

function identityOf(event: ReceivedEvent<unknown>): Record<string, string> {
  const data = typeof event.data === 'object' && event.data !== null ? (event.data as Record<string, unknown>) : {};
  const stated = identityFromAttributes(event);
  const fields: Record<string, string> = {};
  for (const name of ['third_party_id', 'parser_id'] as const) {
    const value = data[name] ?? stated[name];
    if (typeof value === 'string' || typeof value === 'number') {
      fields[name] = bounded(String(value));
    }
  }
  return fields;
}
