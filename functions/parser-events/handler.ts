/** parser-events: gives the call of a function the subject that routes it, and measures the answers. */
import type { CloudEvent } from 'cloudevents';
import * as z from 'zod';
import type { NewEvent, ReceivedEvent, ReceivedOf } from '#shared/events/event.ts';
import { completeIdentity, identityFields, subjectOf } from '#shared/events/identity.ts';
import { type Problem, problemsOf } from '#shared/events/problem.ts';
import { eventRejected } from '#shared/events/rejected.ts';
import type { ParserEventsDependencies } from './dependencies.ts';

type ParserEvent = ReceivedOf<'parser.start' | 'parser.complete'>;

const identitySchema = z.object(identityFields);

export function handleParserEvent(
  event: ParserEvent,
  { metrics }: ParserEventsDependencies,
): NewEvent<'parser.start' | 'event.rejected'> | undefined {
  if (event.type === 'parser.complete') {
    const { succeeded, duration_ms } = event.data;
    metrics.answered(succeeded, duration_ms === undefined ? undefined : duration_ms / 1000);
    return undefined;
  }
  if (isRouted(event.subject)) {
    metrics.called();
    return undefined;
  }
  const route = routeOf(event);
  if (route.kind === 'unknown') {
    return eventRejected(event.original, 'InvalidEvent', route.problems);
  }
  const { datacontenttype } = event.original;
  // Only the subject is changed, so that the function gets the event as if its sender had set it.
  return {
    type: 'parser.start',
    subject: route.subject,
    data: event.data,
    extensions: extensionsOf(event.original),
    ...(datacontenttype ? { datacontenttype } : {}),
    ...(event.time ? { time: event.time } : {}),
  };
}

const ATTRIBUTES = new Set([
  'id',
  'source',
  'specversion',
  'type',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
  'data',
  'data_base64',
]);

function extensionsOf(event: CloudEvent<unknown>): Record<string, string> {
  const extensions = Object.entries(event.toJSON()).filter(([name, value]) => !ATTRIBUTES.has(name) && value != null);
  return Object.fromEntries(extensions.map(([name, value]) => [name, String(value)]));
}

/** Whether the subject is one that a function's Trigger can filter by. */
function isRouted(subject: string | undefined): boolean {
  const [third_party_id, parser_id, ...rest] = subject?.split('/') ?? [];
  return rest.length === 0 && identitySchema.safeParse({ third_party_id, parser_id }).success;
}

type Route = { kind: 'known'; subject: string } | { kind: 'unknown'; problems: Problem[] };

function routeOf(event: ReceivedEvent<unknown>): Route {
  const data = typeof event.data === 'object' && event.data !== null && !Array.isArray(event.data) ? event.data : {};
  const completed = completeIdentity(data, event);
  const identity = identitySchema.safeParse(completed.data);
  const problems = [...completed.problems, ...(identity.success ? [] : problemsOf(identity.error, 'data'))];
  return identity.success && problems.length === 0
    ? { kind: 'known', subject: subjectOf(identity.data) }
    : {
        kind: 'unknown',
        problems: [
          ...problems,
          {
            path: 'subject',
            message:
              'must be {third_party_id}/{parser_id}, or data must have both ids, so that the function can be found',
          },
        ],
      };
}
