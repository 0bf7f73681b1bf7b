/**
 * A request keeps the name of its chain, whoever answers it: its first delivery, one that sweep brought about, or sweep
 * itself.
 */
import { describe, expect, test } from 'vitest';
import { terminalIdOfRequest } from '#shared/builds/terminal-event.ts';
import { buildStartSchema } from '#shared/events/build-start.ts';
import { recordRequest } from '#shared/requests/request.ts';
import { readEnvelope } from '#shared/runtime/envelope.ts';
import { receiveEvent } from '#shared/runtime/received-event.ts';
import { SweptWorld } from './sweep-world.ts';
import { ACME, TEMPORARY_BUCKET } from './world.ts';

const LONG = 'x'.repeat(201);

function delivered(attributes: Record<string, unknown>) {
  const body = Buffer.from(
    JSON.stringify({ specversion: '1.0', type: 'build.start', source: 'client', ...attributes }),
  );
  const headers = { 'content-type': 'application/cloudevents+json' };
  const request = { method: 'POST', path: '/', headers, repeated: [], body, size: body.length };
  return receiveEvent(readEnvelope(request, 1_000_000), { 'build.start': buildStartSchema }).event;
}

describe.each([
  {
    case: 'the extension',
    event: { id: 'e', correlationid: '中文', data: { ...ACME, correlation_id: 'd' } },
    is: '中文',
  },
  { case: 'an extension that is a number', event: { id: 'e', correlationid: 42, data: ACME }, is: '42' },
  { case: 'the data', event: { id: 'e', data: { ...ACME, correlation_id: 'd' } }, is: 'd' },
  { case: 'neither', event: { id: 'e', data: ACME }, is: 'e' },
  { case: 'no data at all', event: { id: 'e', subject: 'acme/p1' }, is: 'e' },
  {
    case: 'too long an extension',
    event: { id: 'e', correlationid: LONG, data: { ...ACME, correlation_id: 'd' } },
    is: 'd',
  },
  { case: 'both too long', event: { id: 'e', correlationid: LONG, data: { ...ACME, correlation_id: LONG } }, is: 'e' },
  { case: 'data of another type', event: { id: 'e', data: { ...ACME, correlation_id: 7 } }, is: 'e' },
  { case: 'too long an id', event: { id: LONG, data: ACME }, is: expect.stringMatching(/^[0-9a-f]{32}$/) },
])('named by $case', ({ event, is }) => {
  test('is the same when it is sent again, and when it is ended', async () => {
    const first = delivered(event);
    const world = new SweptWorld();
    const where = { bucket: TEMPORARY_BUCKET, identity: ACME, terminalId: terminalIdOfRequest(first) };
    await recordRequest(world.store, where, first);
    for (let minutes = 0; minutes < 70; minutes++) {
      await world.later(1).swept();
    }

    expect(first.correlationId).toEqual(is);
    const resent = world.sent.filter(({ type }) => type === 'build.start');
    expect(resent).toHaveLength(5);
    const again = resent.map((sent) => delivered(JSON.parse(JSON.stringify(sent))).correlationId);
    expect(new Set(again)).toEqual(new Set([first.correlationId]));
    const end = world.sent.find(({ type }) => type === 'build.complete');
    expect(end).toMatchObject({
      correlationid: first.correlationId,
      data: { correlation_id: first.correlationId, reason: 'NotProcessed' },
    });
  });
});
