/** One POST, and where it goes. */
import { afterEach, describe, expect, test } from 'vitest';
import { postEvent } from '#local/broker/post-event.ts';
import { type Answering, type Subscriber, startSubscriber } from './world.ts';

let server: Subscriber & { close(): Promise<void> };
const listen = async (answer: Answering = () => ({ status: 200 })) => {
  server = await startSubscriber(answer);
};
afterEach(() => server.close());

const event = {
  attributes: { specversion: '1.0', id: '1', source: 's', type: 't', datacontenttype: 'text/plain' },
  data: Buffer.from('hi'),
};
const options = () => ({ timeout: 0, signal: new AbortController().signal });

describe('postEvent', () => {
  test('connects to the gateway and names the function', async () => {
    await listen();

    await postEvent({ url: 'http://fn.ns.svc.cluster.local/path?x=1', via: server.url }, event, {}, options());

    expect(server.received[0]?.headers).toMatchObject({
      host: 'fn.ns.svc.cluster.local',
      'content-type': 'text/plain',
    });
    expect(server.received[0]?.path).toBe('/path?x=1');
  });

  test('sends the trace as the HTTP headers that it is', async () => {
    await listen();

    await postEvent({ url: server.url }, event, { traceparent: '00-a', tracestate: 'b=c' }, options());

    expect(server.received[0]?.headers).toMatchObject({ traceparent: '00-a', tracestate: 'b=c' });
  });

  test('does not follow a redirect', async () => {
    await listen(() => ({ status: 307, headers: { location: '/elsewhere' } }));

    expect(await postEvent({ url: server.url }, event, {}, options())).toEqual({ status: 307 });
    expect(server.received).toHaveLength(1);
  });

  test.each([
    {
      case: 'a value that no header can hold',
      attributes: { ...event.attributes, ext: 'a\nb' },
      url: () => server.url,
    },
    { case: 'an address that is none', attributes: event.attributes, url: () => 'nowhere' },
    { case: 'a port where nobody listens', attributes: event.attributes, url: () => 'http://127.0.0.1:1' },
  ])('is -1 for $case', async ({ attributes, url }) => {
    await listen();

    expect(await postEvent({ url: url() }, { ...event, attributes }, {}, options())).toEqual({ status: -1 });
  });

  test('is -1 where the answer breaks off', async () => {
    await listen(() => ({ status: 200, headers: { 'content-length': '100' }, body: 'x' }));

    expect(await postEvent({ url: server.url }, event, {}, { ...options(), timeout: 200 })).toEqual({ status: -1 });
  });
});
