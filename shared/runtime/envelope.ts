/** Reads a CloudEvent from a request, in binary or structured mode of the HTTP binding. */
import type { Problem } from '#shared/events/problem.ts';
import { checkAttributes, V0_3 } from './attributes.ts';
import { readBinary } from './binary-mode.ts';
import type { Content } from './content.ts';
import { mediaType } from './media-type.ts';
import type { FunctionRequest } from './request.ts';
import { RequestRefused } from './request-refused.ts';
import { readStructured } from './structured-mode.ts';

export interface Envelope {
  /** All but data; extensions as strings, numbers or booleans. */
  attributes: Record<string, unknown>;
  content: Content;
  /** Why the event cannot be handled although it is a CloudEvent. */
  problems: Problem[];
}

const BATCH = 'application/cloudevents-batch';
const STRUCTURED = 'application/cloudevents';
const STRUCTURED_JSON = 'application/cloudevents+json';
const HOW_TO_SEND =
  'send it in binary mode (ce-specversion, ce-id, ce-source and ce-type as headers, data as body) or in structured mode (Content-Type: application/cloudevents+json)';

/**
 * Throws RequestRefused, with every problem, if the request is no CloudEvent. A Broker cannot deliver such a request,
 * so no event is lost by the 4xx. Whatever a Broker can deliver becomes an envelope, possibly one with problems.
 */
export function readEnvelope(request: FunctionRequest, limit: number): Envelope {
  const type = mediaType(request.headers['content-type']);
  if (type === BATCH || type.startsWith(`${BATCH}+`)) {
    throw new RequestRefused(
      415,
      'a batch of CloudEvents is not accepted: send each event in a request of its own',
      [],
    );
  }
  const structured = type === STRUCTURED || type.startsWith(`${STRUCTURED}+`);
  if (structured && type !== STRUCTURED_JSON) {
    throw new RequestRefused(415, `the event format ${type} is not accepted: use ${STRUCTURED_JSON}`, []);
  }
  const hasAttributes = Object.keys(request.headers).some((name) => name.startsWith('ce-'));
  if (!structured && !hasAttributes) {
    throw notAnEvent(request, type, limit);
  }
  const read = structured ? { ...readStructured(request, limit), unusable: [] } : readBinary(request, limit);
  const { attributes, content, problems, unusable } = read;
  const found = [...problems, ...checkAttributes(attributes)];
  if (found.length > 0) {
    throw new RequestRefused(400, `this is not a CloudEvent: ${HOW_TO_SEND}`, found);
  }
  return { attributes, content, problems: [...unusable, ...outdated(attributes)] };
}

function notAnEvent(request: FunctionRequest, type: string, limit: number): RequestRefused {
  if (request.size > limit) {
    return new RequestRefused(
      413,
      `the body has ${request.size} bytes and is no CloudEvent; at most ${limit} are read`,
      [],
    );
  }
  const missing = ['specversion', 'id', 'source', 'type'].map((name) => ({
    path: name,
    message: `header ce-${name} is missing`,
  }));
  // A body without Content-Type is most often a structured event whose sender forgot it.
  const status = type === '' || type === 'application/json' ? 400 : 415;
  return new RequestRefused(status, `this is not a CloudEvent: ${HOW_TO_SEND}`, missing);
}

/** The Broker's ingress takes events of version 0.3 and delivers them unchanged. A 4xx would lose them. */
function outdated(attributes: Record<string, unknown>): Problem[] {
  return attributes['specversion'] === V0_3
    ? [{ path: 'specversion', message: 'is "0.3": send the event in version 1.0' }]
    : [];
}
