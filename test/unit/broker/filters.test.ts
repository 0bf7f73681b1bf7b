/** RabbitMQ's headers exchange decides who gets an event, and it is not what the rest of Knative does. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromMessage, toMessage } from '#local/broker/amqp-message.ts';
import type { BrokerEvent } from '#local/broker/broker-event.ts';
import { matches } from '#local/broker/exchange.ts';
import { readEvent } from '#local/broker/read-event.ts';

const event = (attributes: BrokerEvent['attributes'] = {}): BrokerEvent => ({
  attributes: { specversion: '1.0', id: '1', source: '/s', type: 'build.start', ...attributes },
  data: Buffer.alloc(0),
});

interface FilterCase {
  case: string;
  filter: Record<string, string>;
  attributes: BrokerEvent['attributes'];
  expected: boolean;
}

describe('a filter', () => {
  test.each<FilterCase>([
    { case: 'nothing at all', filter: {}, attributes: {}, expected: true },
    { case: 'the type', filter: { type: 'build.start' }, attributes: {}, expected: true },
    { case: 'the type in other letters', filter: { type: 'Build.Start' }, attributes: {}, expected: false },
    { case: 'a prefix of the type', filter: { type: 'build' }, attributes: {}, expected: false },
    {
      case: 'two attributes',
      filter: { type: 'build.start', subject: 'a/b' },
      attributes: { subject: 'a/b' },
      expected: true,
    },
    {
      case: 'two of which one differs',
      filter: { type: 'build.start', subject: 'a/b' },
      attributes: { subject: 'a/c' },
      expected: false,
    },
    { case: 'an absent extension', filter: { ext: 'x' }, attributes: {}, expected: false },
    { case: 'an extension', filter: { ext: 'x' }, attributes: { ext: 'x' }, expected: true },
    { case: '"" against an absent subject: not "any"', filter: { subject: '' }, attributes: {}, expected: false },
    { case: '"" against a subject: not "any"', filter: { subject: '' }, attributes: { subject: 'a' }, expected: false },
    { case: '"" against an empty extension', filter: { ext: '' }, attributes: { ext: '' }, expected: true },
    { case: '"5" against a string', filter: { ext: '5' }, attributes: { ext: '5' }, expected: true },
    { case: '"5" against a number', filter: { ext: '5' }, attributes: { ext: 5 }, expected: false },
    { case: '"true" against a boolean', filter: { ext: 'true' }, attributes: { ext: true }, expected: false },
    {
      case: 'datacontenttype, which is not called so',
      filter: { datacontenttype: 'application/json' },
      attributes: { datacontenttype: 'application/json' },
      expected: false,
    },
    { case: 'specversion', filter: { specversion: '1.0' }, attributes: {}, expected: true },
    { case: 'the time that every event has', filter: { time: '0001-01-01T00:00:00Z' }, attributes: {}, expected: true },
    {
      case: 'an argument that begins with x-',
      filter: { 'x-anything': 'x', type: 'build.start' },
      attributes: {},
      expected: true,
    },
    { case: 'a name that every object has', filter: { constructor: 'x' }, attributes: {}, expected: false },
  ])('on $case', ({ filter, attributes, expected }) => {
    expect(matches(filter, toMessage(event(attributes)).headers)).toBe(expected);
  });

  const name = fc
    .stringMatching(/^[a-z][a-z0-9]{0,9}$/)
    .filter((text) => !['id', 'source', 'type', 'specversion', 'time', 'datacontenttype'].includes(text));
  const extensions = fc.dictionary(name, fc.oneof(fc.string(), fc.integer(), fc.boolean()));

  test('matches exactly where each of its values is the very string of the event', () => {
    fc.assert(
      fc.property(extensions, fc.dictionary(name, fc.string()), (attributes, filter) => {
        const expected = Object.entries(filter).every(
          ([key, value]) => Object.hasOwn(attributes, key) && attributes[key] === value,
        );

        expect(matches(filter, toMessage(event(attributes)).headers)).toBe(expected);
      }),
    );
  });

  test("of any part of an event's strings matches it, and no longer with one value changed", () => {
    fc.assert(
      fc.property(fc.dictionary(name, fc.string(), { minKeys: 1 }), fc.nat(), (attributes, pick) => {
        const keys = Object.keys(attributes);
        const key = keys[pick % keys.length] as string;
        const headers = toMessage(event(attributes)).headers;

        expect(matches({ ...attributes }, headers)).toBe(true);
        expect(matches({ ...attributes, [key]: `${attributes[key]}x` }, headers)).toBe(false);
      }),
    );
  });

  test('sees the same of an event in binary and, where all are strings, in structured mode', () => {
    fc.assert(
      fc.property(fc.dictionary(name, fc.stringMatching(/^[!-~]{1,20}$/)), (attributes) => {
        const all = event(attributes).attributes;
        const headers = Object.fromEntries(Object.entries(all).map(([key, value]) => [`ce-${key}`, String(value)]));
        const structured = readEvent(
          { 'content-type': 'application/cloudevents+json' },
          Buffer.from(JSON.stringify(all)),
        );

        expect(toMessage(structured).headers).toEqual(toMessage(readEvent(headers, Buffer.alloc(0))).headers);
      }),
    );
  });

  test('everything that is delivered is a string', () => {
    fc.assert(
      fc.property(extensions, (attributes) => {
        const { event: delivered } = fromMessage(toMessage(event(attributes)));
        const strings = Object.fromEntries(
          Object.entries(event(attributes).attributes).map(([key, value]) => [key, String(value)]),
        );

        expect(delivered.attributes).toEqual({
          ...strings,
          time: '0001-01-01T00:00:00Z',
          ...('traceparent' in strings ? { traceparent: expect.anything() } : {}),
        });
      }),
    );
  });
});
