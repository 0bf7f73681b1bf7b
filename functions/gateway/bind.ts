/** Binds an event to the principal that sent it: what it may say, and about whom. */
import { CloudEvent } from 'cloudevents';
import type { Principal } from '#shared/clients/principals.ts';
import { type BuildStart, buildStartSchema } from '#shared/events/build-start.ts';
import { deadLetterPurgeSchema, deadLetterReplaySchema } from '#shared/events/dead-letter.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { parserStartSchema } from '#shared/events/parser.ts';
import type { Problem } from '#shared/events/problem.ts';
import { routeOf } from '#shared/events/route.ts';
import { serviceDeleteSchema } from '#shared/events/service-delete.ts';
import { NO_TENANT } from '#shared/events/signature.ts';
import { sourcePrefixOf } from '#shared/specs/source-prefix.ts';

const OF_TENANTS = {
  'build.start': buildStartSchema,
  'parser.start': parserStartSchema,
  'service.delete': serviceDeleteSchema,
};

/** About no function, so for operators alone. */
const OF_OPERATORS = {
  'dead-letter.replay': deadLetterReplaySchema,
  'dead-letter.purge': deadLetterPurgeSchema,
};

/** What clients may send. Everything else our functions say to each other. */
export const CLIENT_EVENTS = { ...OF_TENANTS, ...OF_OPERATORS };

/**
 * Extensions by which our functions, and the Broker, talk to each other: from a client they would be lies. Those of
 * traces and the correlation id are the client's to choose.
 */
const OURS =
  /^(kauth|causationid|deliverylane|resent|firstseen|replayof|replays|redeliveries|task|function|recorded|revision|callrecord|knative.*)$/;

export type Bound =
  | { event: CloudEvent<unknown>; tenant: string }
  | { status: 400 | 403; reason: 'Forbidden' | 'InvalidEvent'; problems: Problem[] };

export function bindEvent(event: ReceivedEvent<unknown>, principal: Principal, sourcePrefix: string): Bound {
  if (event.type in OF_OPERATORS) {
    return principal.operator
      ? { event: rewritten(event, NO_TENANT, {}), tenant: NO_TENANT }
      : forbidden('type', `is "${event.type}", which operators alone may send; ${principal.name} is none`);
  }
  const route = routeOf(event);
  if ('problems' in route) {
    return { status: 400, reason: 'InvalidEvent', problems: route.problems };
  }
  const { identity } = route;
  const tenant = identity.third_party_id;
  if (!principal.operator && !principal.third_party_ids.includes(tenant)) {
    const own = principal.third_party_ids.length > 0 ? principal.third_party_ids.join(', ') : 'nobody';
    return forbidden('third_party_id', `is "${tenant}", but ${principal.name} speaks for ${own}`);
  }
  const problem =
    event.type === 'build.start'
      ? prefixProblem(event.data as BuildStart, identity, principal, sourcePrefix)
      : undefined;
  return problem === undefined
    ? { event: rewritten(event, tenant, { subject: subjectOf(identity) }), tenant }
    : forbidden('data.s3_prefix', problem);
}

function prefixProblem(
  { s3_prefix }: BuildStart,
  identity: Identity,
  { name, source_prefixes: allowed }: Principal,
  template: string,
): string | undefined {
  const source = sourcePrefixOf(template, identity, s3_prefix);
  if ('problem' in source) {
    return source.problem;
  }
  return allowed === undefined || allowed.some((prefix) => source.prefix.startsWith(prefix))
    ? undefined
    : `is "${source.prefix}", but sources of ${name} must lie under ${allowed.join(' or ')}`;
}

/** The id becomes the tenant's own, so that two tenants that use the same one do not meet. */
function rewritten(event: ReceivedEvent<unknown>, tenant: string, subject: { subject?: string }): CloudEvent<unknown> {
  const { data: _, data_base64: __, ...attributes } = event.original.toJSON() as Record<string, unknown>;
  const kept = Object.entries(attributes).filter(([name, value]) => !OURS.test(name) && value != null);
  return new CloudEvent<unknown>(
    {
      ...(Object.fromEntries(kept) as { type: string; source: string }),
      ...subject,
      id: tenant === NO_TENANT ? event.id : `${tenant}.${event.id}`,
      correlationid: event.correlationId,
    },
    false,
  );
}

function forbidden(path: string, message: string): Bound {
  return { status: 403, reason: 'Forbidden', problems: [{ path, message }] };
}
