/** An HTTP server that answers what a test tells it: what upstreams say when they are ill. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

export interface ScriptedServer {
  url: string;
  requests: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[];
  /** Connections that were opened. */
  connections: () => number;
  close(): Promise<void>;
}

/** `answer` may also write to the response itself, or leave it hanging, by returning undefined. */
export async function scriptedServer(
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => Answer | undefined,
): Promise<ScriptedServer> {
  const requests: ScriptedServer['requests'] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
      const answered = answer(request, response, body);
      if (answered) {
        response.writeHead(answered.status, answered.headers);
        response.end(answered.body);
      }
    });
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => connections,
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}

/** A port on which nobody listens. */
export async function deadUrl(): Promise<string> {
  const server = await scriptedServer(() => ({ status: 200 }));
  await server.close();
  return server.url;
}
