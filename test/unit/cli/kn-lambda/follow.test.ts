/** What the events of a build and of a call mean for the person who waits. */
import { describe, expect, test } from 'vitest';
import { answerIn, sampledId } from '#cli/kn-lambda/call.ts';
import { newsOf } from '#cli/kn-lambda/follow-build.ts';
import { ndjson, sentEvents } from '#cli/kn-lambda/streams.ts';
import { deriveId } from '#shared/events/event.ts';

describe('news of a build', () => {
  test.each([
    ['build.start', {}, { step: 'taken' }],
    ['job.start', {}, { step: 'packed' }],
    ['lifecycle.build.started', { state: 'queued', queue_position: 3 }, { step: 'queued', position: 3 }],
    ['lifecycle.build.started', { state: 'started', job_name: 'j' }, { step: 'building', jobName: 'j' }],
    [
      'build.complete',
      { status: 'success', image_uri: 'i', cached: true },
      { step: 'built', image: 'i', cached: true, jobName: undefined },
    ],
    [
      'build.complete',
      { status: 'timeout', reason: 'BuildTimeout', error_message: 'm' },
      { step: 'failed', status: 'timeout', reason: 'BuildTimeout', message: 'm' },
    ],
    [
      'lifecycle.build.failed',
      { status: 'failed', reason: 'SecretNotFound', error_message: 'm' },
      { step: 'failed', status: 'failed', reason: 'SecretNotFound', message: 'm' },
    ],
    [
      'lifecycle.function.ready',
      { image_uri: 'i', revision: 'r', url: 'u' },
      { step: 'ready', image: 'i', revision: 'r', url: 'u' },
    ],
    [
      'lifecycle.function.failed',
      { reason: 'FunctionNotReady', error_message: 'm' },
      { step: 'failed', status: 'failed', reason: 'FunctionNotReady', message: 'm' },
    ],
    [
      'event.rejected',
      { reason: 'InvalidEvent', problems: [{ path: 'data.env', message: 'is bad' }] },
      { step: 'failed', status: 'failed', reason: 'InvalidEvent', message: 'data.env is bad' },
    ],
    ['lifecycle.build.completed', {}, undefined],
    ['parser.complete', {}, undefined],
    ['build.complete', undefined, { step: 'failed', status: 'failed', reason: 'InternalError', message: '' }],
  ])('%s %j', (type, data, news) => {
    expect(newsOf({ type, data })).toEqual(news);
  });
});

test('the end of a call is its answer or its refusal, and nothing else', () => {
  expect(answerIn({ type: 'parser.complete', data: { succeeded: true, result: 1 } })).toEqual({
    succeeded: true,
    result: 1,
  });
  expect(answerIn({ type: 'event.rejected', data: { reason: 'NoSuchFunction', problems: [] } })).toEqual({
    succeeded: false,
    error: { type: 'NoSuchFunction', message: '' },
  });
  expect(answerIn({ type: 'parser.deliver', data: {} })).toBeUndefined();
});

test('the id of a call is in a sample of one in a hundred, as the gateway and the door make it', () => {
  for (let n = 0; n < 5; n++) {
    const hash = deriveId('sample', 'kn-lambda', `acme.${sampledId('acme')}`);
    expect(Number.parseInt(hash.slice(0, 8), 16)).toBeLessThan(0.01 * 2 ** 32);
  }
});

function body(...chunks: string[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) {
        controller.enqueue(bytes.encode(chunk));
      }
      controller.close();
    },
  });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const item of items) {
    read.push(item);
  }
  return read;
}

test('lines come whole, however they are cut; what is no JSON is left out', async () => {
  expect(await all(ndjson(body('{"a":1}\n{"a"', ':2}\n\nnot json\n{"a":3}')))).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
});

test('events come with their ids, comments are none', async () => {
  const read = await all(sentEvents(body(': open\n\nretry: 1000\n\nid: 1\nda', 'ta: x\n\nid: 2\ndata: y\n\n')));
  expect(read).toEqual([
    { id: '1', data: 'x' },
    { id: '2', data: 'y' },
  ]);
});
