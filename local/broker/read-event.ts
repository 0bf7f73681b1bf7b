/**
 * A CloudEvent out of an HTTP message, as the CloudEvents Go SDK reads it, which is what the ingress and the
 * dispatchers are made with (sdk-go v2: protocol/http/message.go, event/event_unmarshal.go). Version 0.3, which the SDK
 * also reads, is refused: nothing we meet sends it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { type BrokerEvent, InvalidEvent } from './broker-event.ts';
import { normalizeTime } from './normalize-time.ts';
import { readStructuredEvent } from './read-structured-event.ts';

const STRUCTURED = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';

const MEDIA_TYPE = /^[\w!#$&^.+-]+(\/[\w!#$&^.+-]+)?\s*(;.*)?$/;

/**
 * Throws InvalidEvent where the message cannot be read as an event. That it is a valid one is another question:
 * invalidEvent().
 */
export function readEvent(headers: IncomingHttpHeaders, body: Buffer): BrokerEvent {
  const mediaType = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (mediaType === BATCH) {
    throw new InvalidEvent('a batch is no event: send its events one by one');
  }
  const { attributes, data } = mediaType === STRUCTURED ? readStructuredEvent(body) : readBinaryEvent(headers, body);
  if (attributes['specversion'] !== '1.0') {
    throw new InvalidEvent(`specversion must be "1.0", not ${JSON.stringify(attributes['specversion'])}`);
  }
  const wrongName = Object.keys(attributes).find((name) => !/^[A-Za-z0-9]+$/.test(name));
  if (wrongName !== undefined) {
    throw new InvalidEvent(`the attribute name ${JSON.stringify(wrongName)} may have letters and digits only`);
  }
  if (!isUriReference(String(attributes['source'] ?? ''))) {
    throw new InvalidEvent('source must be a URI reference');
  }
  const time = attributes['time'] === undefined ? undefined : normalizeTime(String(attributes['time']));
  if (attributes['time'] !== undefined && time === undefined) {
    throw new InvalidEvent('time must be an RFC 3339 time such as 2026-01-02T03:04:05Z');
  }
  return { attributes: { ...attributes, ...(time === undefined ? {} : { time }) }, data };
}

function readBinaryEvent(headers: IncomingHttpHeaders, body: Buffer): BrokerEvent {
  if (headers['ce-specversion'] === undefined) {
    throw new InvalidEvent(`neither a header ce-specversion nor content-type ${STRUCTURED}`);
  }
  const attributes: BrokerEvent['attributes'] = {};
  for (const [header, value] of Object.entries(headers)) {
    const text = decode(Array.isArray(value) ? (value[0] ?? '') : (value ?? ''));
    if (header.startsWith('ce-')) {
      // An empty attribute is an absent one; an empty extension stays.
      if (text.trim() !== '' || !['ce-subject', 'ce-dataschema'].includes(header)) {
        attributes[header.slice('ce-'.length)] = text;
      }
    } else if (header === 'content-type' && text.trim() !== '') {
      attributes['datacontenttype'] = text.trim();
    }
  }
  return { attributes, data: body };
}

/** Node reads header bytes as Latin-1; Go leaves them alone, and they are UTF-8. */
function decode(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8');
}

/** As Go's url.Parse, which takes nearly everything. */
function isUriReference(text: string): boolean {
  const firstSegment = text.split(/[/?#]/)[0] ?? '';
  const colon = firstSegment.indexOf(':');
  const hasScheme = colon > 0 && /^[A-Za-z][\w+.-]*$/.test(firstSegment.slice(0, colon));
  return !/\p{Cc}/u.test(text) && !/%(?![0-9A-Fa-f]{2})/.test(text) && (colon === -1 || hasScheme);
}

/** What the SDK finds wrong with an event it could read, in a sentence; undefined where it is valid. */
export function invalidEvent({ attributes }: BrokerEvent): string | undefined {
  const missing = ['id', 'source', 'type'].find((name) => String(attributes[name] ?? '').trim() === '');
  if (missing !== undefined) {
    return `${missing} is required and must not be empty`;
  }
  if (String(attributes['subject'] ?? 'present').trim() === '') {
    return 'subject must not be empty';
  }
  return MEDIA_TYPE.test(String(attributes['datacontenttype'] ?? 'application/json'))
    ? undefined
    : 'datacontenttype must be a media type';
}
