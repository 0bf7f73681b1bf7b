/** Whatever is sent: never a 5xx, never a crash, and never a CloudEvent lost by a 4xx. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEnvelope } from '#shared/runtime/envelope.ts';
import { decodeHeaderValue, encodeHeaderValue } from '#shared/runtime/header-value.ts';
import { receiveEvent } from '#shared/runtime/received-event.ts';
import { demo, demoEvents, type Running, run } from './run.ts';
import { send } from './send.ts';

let running: Running;
beforeAll(async () => {
  running = await run(demo());
});
afterAll(() => running.close());

const header = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 40,
});
const contentType = fc.oneof(
  header,
  fc.constantFrom(
    'application/json',
    'application/cloudevents+json',
    'application/cloudevents-batch+json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
  ),
);
const attribute = fc.oneof(
  fc.constantFrom(
    'id',
    'source',
    'type',
    'specversion',
    'time',
    'subject',
    'dataschema',
    'validate',
    'schemaurl',
    'datacontentencoding',
    'data',
  ),
  fc.stringMatching(/^[a-z0-9]{1,12}$/),
);
const attributes = fc.dictionary(
  attribute,
  fc.oneof(header, fc.constantFrom('1.0', '0.3', 'demo.start', '2026-01-01T00:00:00Z')),
  { maxKeys: 8 },
);
const body = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.json().map((text) => Buffer.from(text)),
  fc.object({ key: attribute }).map((object) => Buffer.from(JSON.stringify(object) ?? '')),
);
const path = fc.constantFrom('', '?cloudevent=x', '?headers=x&body=y', '?__proto__=x', 'a/b', '%00', '//');

test('random requests are answered with 200, 202 or a 4xx, and named in trace and correlation', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('POST', 'PUT', 'GET', 'DELETE', 'OPTIONS'),
      path,
      contentType,
      attributes,
      body,
      async (method, query, type, ce, bytes) => {
        const headers = {
          'content-type': type,
          ...Object.fromEntries(Object.entries(ce).map(([name, value]) => [`ce-${name}`, value])),
        };
        const answer = await send(`${running.url}${query}`, { method, headers, body: bytes });
        expect([200, 202, 400, 404, 405, 413, 415]).toContain(answer.status);
        expect(answer.headers['x-trace-id']).toMatch(/^[0-9a-f]{32}$/);
        expect(answer.headers['x-correlation-id']).toBeTruthy();
      },
    ),
    { numRuns: 400 },
  );
});

test('whatever a broker delivers is an event: binary, with the required attributes', async () => {
  const text = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 60 })
    .filter((value) => encodeHeaderValue(value).trim() !== '');
  await fc.assert(
    fc.asyncProperty(
      text,
      text,
      text,
      text,
      fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9]{0,19}$/), text),
      contentType,
      body,
      async (id, source, type, subject, extensions, media, bytes) => {
        fc.pre(!media.trim().toLowerCase().startsWith('application/cloudevents'));
        const reserved = ['data', 'datacontenttype', 'specversion', 'time', 'id', 'source', 'type', 'subject'];
        const ce = {
          ...Object.fromEntries(Object.entries(extensions).filter(([name]) => !reserved.includes(name))),
          id,
          source,
          type,
          subject,
          specversion: '1.0',
          time: '2026-01-01T00:00:00.5Z',
        };
        const headers = {
          'content-type': media,
          ...Object.fromEntries(Object.entries(ce).map(([name, value]) => [`ce-${name}`, encodeHeaderValue(value)])),
        };
        const answer = await send(running.url, { headers, body: bytes });
        expect(answer.status).toBe(200);
        expect(answer.headers['ce-type']).toMatch(/^(demo\.done|event\.rejected)$/);
      },
    ),
    { numRuns: 300 },
  );
});

test('header values survive encoding and decoding, but for lone surrogates and a quote around them', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const wellFormed = value.toWellFormed();
      expect(encodeHeaderValue(value)).toMatch(/^[\x21-\x7e]*$/);
      expect(decodeHeaderValue(encodeHeaderValue(wellFormed))).toBe(wellFormed);
    }),
  );
});

test('decoding never throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(header, fc.stringMatching(/^"?(%[0-9a-fA-F]{0,2}|\\|"|\xff)*"?$/)),
      (value) => void decodeHeaderValue(value),
    ),
  );
});

test('what is received can be written again', () => {
  fc.assert(
    fc.property(attributes, contentType, body, (ce, type, bytes) => {
      const headers = {
        ...Object.fromEntries(Object.entries(ce).map(([name, value]) => [`ce-${name}`, value])),
        'ce-id': '1',
        'ce-source': 's',
        'ce-type': 'demo.start',
        'ce-specversion': '1.0',
        'content-type': type,
      };
      let envelope: ReturnType<typeof readEnvelope>;
      try {
        envelope = readEnvelope(
          { method: 'POST', path: '/', headers, repeated: [], body: bytes, size: bytes.length },
          1000,
        );
      } catch {
        return;
      }
      const { event } = receiveEvent(envelope, demoEvents);
      expect(() => JSON.stringify(event.original)).not.toThrow();
    }),
  );
});
