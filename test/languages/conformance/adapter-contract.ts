/** What every adapter does, in whatever language: CloudEvents in, parser.complete out. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deriveId } from '#shared/events/event.ts';
import { parserCompleteSchema } from '#shared/events/parser.ts';
import { buildImage, type Image } from './image.ts';
import { type RunningFunction, runFunction } from './run-function.ts';
import type { Files } from './sources.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/**
 * `files` hold a handler that does what `data.do` says: `echo` (returns { id, subject, data }), `nothing` (returns
 * nothing), `fail` (throws or returns an error with data.message), `unserializable`, `wait` (data.ms milliseconds).
 */
export function adapterContract(files: Files, errorType: string, buildTimeout?: number): void {
  let image: Image;
  let running: RunningFunction;
  beforeAll(async () => {
    image = await buildImage(files);
    running = await runFunction(image);
  }, buildTimeout);
  afterAll(async () => {
    running?.kill();
    image?.remove();
  });

  describe('an event', () => {
    test('in binary mode is answered by parser.complete in binary mode', async () => {
      const answer = await fetch(running.url, {
        method: 'POST',
        headers: {
          'ce-specversion': '1.0',
          'ce-id': 'event-1',
          'ce-source': 'client',
          'ce-type': 'parser.start',
          'ce-subject': 'acme/p1',
          'ce-time': '2026-01-02T03:04:05Z',
          'ce-correlationid': 'chain-1',
          'ce-traceparent': traceparent,
          'content-type': 'application/json; charset=utf-8',
        },
        body: JSON.stringify({ do: 'echo', contextId: 'context-1', text: 'é' }),
      });

      expect(answer.status).toBe(200);
      const attributes = Object.fromEntries([...answer.headers].filter(([name]) => name.startsWith('ce-')));
      expect(attributes).toEqual({
        'ce-specversion': '1.0',
        'ce-id': deriveId('client', 'event-1', 'parser.complete'),
        'ce-source': 'knative-lambda/functions/acme/p1',
        'ce-type': 'parser.complete',
        'ce-subject': 'acme/p1',
        'ce-time': expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
        'ce-correlationid': 'chain-1',
        'ce-causationid': 'event-1',
        'ce-traceparent': traceparent,
      });
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
      expect(answer.headers.get('x-correlation-id')).toBe('chain-1');
      expect(answer.headers.get('x-trace-id')).toBe('0af7651916cd43dd8448eb211c80319c');
      const data = await answer.json();
      expect(data).toEqual({
        context_id: 'context-1',
        succeeded: true,
        result: { id: 'event-1', subject: 'acme/p1', data: { do: 'echo', contextId: 'context-1', text: 'é' } },
        duration_ms: expect.any(Number),
      });
      expect(parserCompleteSchema.parse(data)).toBeTruthy();
    });

    test('in structured mode is answered alike; its own id begins a chain', async () => {
      const answer = await running.send({ id: 'event-2', data: { do: 'echo', context_id: 7 } });
      expect(answer.headers.get('ce-id')).toBe(deriveId('test', 'event-2', 'parser.complete'));
      expect(answer.headers.get('ce-correlationid')).toBe('event-2');
      expect(answer.headers.has('ce-subject')).toBe(false);
      expect(await answer.json()).toMatchObject({ context_id: 7, succeeded: true });
    });

    test('that the handler has no result for succeeds with null', async () => {
      const answer = await running.send({ data: { do: 'nothing' } });
      expect(await answer.json()).toMatchObject({ context_id: null, succeeded: true, result: null });
    });

    test('that the handler fails at is answered with its error', async () => {
      const answer = await running.send({ data: { do: 'fail', message: 'no such block', context_id: 'c' } });
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual({
        context_id: 'c',
        succeeded: false,
        error: { type: errorType, message: 'no such block' },
        duration_ms: expect.any(Number),
      });
      expect(running.errors()).toContain('no such block');
      for (const line of running.errors().trim().split('\n')) {
        expect(JSON.parse(line)).toHaveProperty('level', 'error');
      }
    });

    test('whose error is long is told in 512 characters', async () => {
      const answer = await running.send({ data: { do: 'fail', message: '🦊'.repeat(600) } });
      expect(((await answer.json()) as { error: { message: string } }).error.message).toBe('🦊'.repeat(512));
    });

    test('whose result has no JSON is told so', async () => {
      const answer = await running.send({ data: { do: 'unserializable' } });
      const { succeeded, error } = (await answer.json()) as {
        succeeded: boolean;
        error: { type: string; message: string };
      };
      expect(succeeded).toBe(false);
      expect(error.type).toBe('ResultNotSerializable');
      expect(error.message).toMatch(/can't be written as JSON .*: return /);
    });

    test('whose data is no JSON, against its content type, is told so and not lost', async () => {
      const answer = await fetch(running.url, {
        method: 'POST',
        headers: {
          'ce-specversion': '1.0',
          'ce-id': '1',
          'ce-source': 's',
          'ce-type': 't',
          'content-type': 'application/json',
        },
        body: '{"do":',
      });
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ succeeded: false, error: { type: 'BadData' } });
    });
  });

  describe('what is no CloudEvent', () => {
    const structured = { 'content-type': 'application/cloudevents+json' };
    const binary = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': 's', 'ce-type': 't' };
    const without = (name: string) => Object.fromEntries(Object.entries(binary).filter(([key]) => key !== name));
    test.each([
      { case: 'plain JSON', headers: { 'content-type': 'application/json' }, body: '{}' },
      { case: 'a missing id', headers: without('ce-id'), body: '' },
      { case: 'a missing source', headers: without('ce-source'), body: '' },
      { case: 'a missing type', headers: without('ce-type'), body: '' },
      {
        case: 'a missing id in structured mode',
        headers: structured,
        body: '{"specversion":"1.0","source":"s","type":"t"}',
      },
      {
        case: 'an unknown version',
        headers: structured,
        body: '{"specversion":"9.0","id":"1","source":"s","type":"t"}',
      },
      { case: 'structured JSON that is broken', headers: structured, body: '{"specversion":' },
      { case: 'a structured list', headers: structured, body: '[]' },
      { case: 'a batch', headers: { 'content-type': 'application/cloudevents-batch+json' }, body: '[]' },
    ])('is refused: $case', async ({ headers, body }) => {
      const answer = await fetch(running.url, { method: 'POST', headers, body });
      expect([400, 415]).toContain(answer.status);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(await answer.json()).toMatchObject({ status: answer.status, detail: expect.any(String) });
    });
  });

  test('health is answered while a handler works', async () => {
    const working = running.send({ data: { do: 'wait', ms: 700 } });
    const began = performance.now();
    for (const path of ['/health/liveness', '/health/readiness']) {
      expect((await fetch(running.url + path)).status).toBe(200);
    }
    const duration = performance.now() - began;
    expect((await working).status).toBe(200);
    expect(duration).toBeLessThan(600);
  });

  test('events are handled side by side', async () => {
    const began = performance.now();
    await Promise.all([1, 2, 3, 4].map(() => running.send({ data: { do: 'wait', ms: 500 } })));
    expect(performance.now() - began).toBeLessThan(1500);
  });

  test('SIGTERM lets what is in flight end, then the process exits with 0', async () => {
    const working = running.send({ data: { do: 'wait', ms: 1600 } });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const stopped = running.stop();
    expect(await (await working).json()).toMatchObject({ succeeded: true });
    expect(await stopped).toBe(0);
  });
}
