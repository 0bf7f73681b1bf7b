/** Describes an event by log fields and by span attributes. */
import { bounded } from '#shared/bounded-text.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import { identityFromAttributes } from '#shared/events/identity.ts';
import type { SpanAttributes } from '#shared/telemetry/traces.ts';

/** The ids come from the attributes, by which events are routed, else from the data, which may be a user's own. */
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

/** Named by OpenTelemetry's semantic conventions for CloudEvents and FaaS. */
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
    const value = stated[name] ?? data[name];
    if (typeof value === 'string' || typeof value === 'number') {
      fields[name] = bounded(String(value));
    }
  }
  return fields;
}
