/** How a call of a function finds its way, and what is measured. */
import { expect, test } from 'vitest';
import { handleParserEvent } from '#functions/parser-events/handler.ts';
import { received } from '#test/fakes/received.ts';

function handled(event: Parameters<typeof handleParserEvent>[0]) {
  const measured: unknown[] = [];
  const metrics = { called: () => measured.push('called'), answered: (...answer: unknown[]) => measured.push(answer) };
  const reply = handleParserEvent(event, { metrics });
  return { reply, measured };
}

test('a routed call is counted and acknowledged, whatever its data is', () => {
  for (const data of [{ third_party_id: 'other' }, 'text', undefined]) {
    expect(handled(received('parser.start', data, { subject: 'acme/p1' }))).toEqual({
      reply: undefined,
      measured: ['called'],
    });
  }
});

test.each([
  { case: 'ids in data', data: { third_party_id: 'acme', parser_id: 'p1', n: 1 }, attributes: {} },
  {
    case: 'ids in data and an unrelated subject',
    data: { third_party_id: 'acme', parser_id: 'p1' },
    attributes: { subject: 'anything' },
  },
  { case: 'source and subject', data: { n: 1 }, attributes: { source: 'network.notifi.acme', subject: 'p1' } },
  { case: 'source, and the parser in data', data: { parser_id: 'p1' }, attributes: { source: 'network.notifi.acme' } },
])('a call with $case is sent again with its subject and the same data', ({ data, attributes }) => {
  const { reply, measured } = handled(received('parser.start', data, attributes));

  expect(reply).toMatchObject({ type: 'parser.start', subject: 'acme/p1', data });
  expect(measured).toEqual([]);
});

test("a call that is sent again keeps the sender's extensions and content type", () => {
  const event = received('parser.start', { third_party_id: 'acme', parser_id: 'p1' }, { tenantregion: 'eu' });
  expect(handled(event).reply).toMatchObject({
    extensions: { tenantregion: 'eu' },
    datacontenttype: 'application/json',
  });
});

test.each([
  { case: 'no ids', data: {}, attributes: {} },
  { case: 'half of them', data: { third_party_id: 'acme' }, attributes: {} },
  { case: 'a hostile subject', data: {}, attributes: { subject: 'acme/../x' } },
  { case: 'a bad id', data: { third_party_id: 'a b', parser_id: 'p' }, attributes: {} },
  {
    case: 'data that contradicts source and subject',
    data: { third_party_id: 'other' },
    attributes: { source: 'network.notifi.acme', subject: 'p1' },
  },
  { case: 'text', data: 'text', attributes: {} },
])('a call with $case is refused, and told how it is routed', ({ data, attributes }) => {
  const { reply } = handled(received('parser.start', data, attributes));

  expect(reply).toMatchObject({ type: 'event.rejected', data: { reason: 'InvalidEvent' } });
  expect(JSON.stringify(reply)).toContain('{third_party_id}/{parser_id}');
});

test('an answer is measured in seconds', () => {
  const answer = { succeeded: false, duration_ms: 1500, result: undefined };
  expect(handled(received('parser.complete', answer))).toEqual({ reply: undefined, measured: [[false, 1.5]] });
});
