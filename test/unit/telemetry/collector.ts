/** An OpenTelemetry collector that keeps what it is sent. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Collector {
  endpoint: string;
  // biome-ignore lint/suspicious/noExplicitAny: OTLP's JSON.
  spans: { resource: Record<string, unknown>; span: any; attributes: Record<string, unknown> }[];
  close(): void;
}

export async function startCollector(): Promise<Collector> {
  const spans: Collector['spans'] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    if (request.url === '/v1/traces') {
      for (const { resource, scopeSpans } of JSON.parse(Buffer.concat(chunks).toString('utf8')).resourceSpans) {
        for (const span of scopeSpans.flatMap((scope: { spans: unknown[] }) => scope.spans)) {
          spans.push({ resource: valuesOf(resource.attributes), span, attributes: valuesOf(span.attributes) });
        }
      }
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }).listen(0);
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function valuesOf(attributes: { key: string; value: Record<string, unknown> }[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
