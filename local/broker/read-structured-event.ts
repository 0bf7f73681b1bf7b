/** A CloudEvent in JSON, as the CloudEvents Go SDK reads it. */
import { type BrokerEvent, InvalidEvent } from './broker-event.ts';
import { rawMember } from './raw-member.ts';

const INT32_MAX = 2 ** 31 - 1;
const ATTRIBUTES = new Set(['specversion', 'id', 'source', 'type', 'subject', 'time', 'dataschema', 'datacontenttype']);

export function readStructuredEvent(body: Buffer): BrokerEvent {
  const text = body.toString('utf8');
  const document = parse(text);
  const attributes: BrokerEvent['attributes'] = {};
  for (const [name, value] of Object.entries(document)) {
    if (name === 'data' || name === 'data_base64' || value === null) {
      continue;
    }
    if (ATTRIBUTES.has(name)) {
      if (typeof value !== 'string') {
        throw new InvalidEvent(`${name} must be a string`);
      }
      if (value !== '' || !['subject', 'dataschema', 'datacontenttype'].includes(name)) {
        attributes[name] = value;
      }
    } else {
      attributes[name.toLowerCase()] = extensionValue(name, value);
    }
  }
  return { attributes, data: dataOf(document, text, attributes['datacontenttype'] as string | undefined) };
}

function parse(text: string): Record<string, unknown> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new InvalidEvent(`the body is no JSON: ${(error as Error).message}`);
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new InvalidEvent('the body must be a JSON object');
  }
  return document as Record<string, unknown>;
}

/** Numbers become 32-bit integers; what is out of range, and lists and maps, are no CloudEvents values. */
function extensionValue(name: string, value: unknown): string | number | boolean {
  if (typeof value === 'string' || typeof value === 'boolean') {
    return value;
  }
  if (typeof value === 'number' && value <= INT32_MAX && value >= -INT32_MAX - 1) {
    return Math.trunc(value);
  }
  throw new InvalidEvent(`the extension ${JSON.stringify(name)} must be a string, a boolean or a 32-bit integer`);
}

function dataOf(document: Record<string, unknown>, text: string, contentType: string | undefined): Buffer {
  const encoded = document['data_base64'];
  if (encoded !== undefined) {
    if (typeof encoded !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded) || encoded.length % 4 !== 0) {
      throw new InvalidEvent('data_base64 must be a string in base64');
    }
    return Buffer.from(encoded, 'base64');
  }
  const data = document['data'];
  if (data === undefined) {
    return Buffer.alloc(0);
  }
  if (!isJson(contentType)) {
    if (typeof data !== 'string') {
      throw new InvalidEvent(`data must be a string where datacontenttype is ${JSON.stringify(contentType)}`);
    }
    return Buffer.from(data);
  }
  return Buffer.from(rawMember(text, 'data') ?? '');
}

/** Not every `…+json`: the SDK knows these alone. */
function isJson(contentType: string | undefined): boolean {
  const mediaType = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  return ['', 'application/json', 'text/json', 'application/cloudevents+json'].includes(mediaType);
}
