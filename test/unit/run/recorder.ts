/** A subscriber that outlives the platform: it keeps every event that the Broker delivers to it, each id once. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type CloudEvent, HTTP } from 'cloudevents';

export interface Recorder {
  url: string;
  /** Distinct ones of this type, by source and id. */
  // biome-ignore lint/suspicious/noExplicitAny: what an event carries is what a test is about to find out.
  of(type: string): CloudEvent<any>[];
  close(): Promise<void>;
}

export async function startRecorder(): Promise<Recorder> {
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  const events = new Map<string, CloudEvent<any>>();
  const server = createServer(async (request, response) => {
    const body = (await buffer(request)).toString();
    // biome-ignore lint/suspicious/noExplicitAny: see above.
    const event = HTTP.toEvent({ headers: request.headers as Record<string, string>, body }) as CloudEvent<any>;
    events.set(`${event.source} ${event.id}`, event);
    response.writeHead(202).end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    of: (type) => [...events.values()].filter((event) => event.type === type),
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
