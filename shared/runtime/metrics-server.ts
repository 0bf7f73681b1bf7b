/** Serves metrics to Prometheus on a separate port, so that whoever can call the function cannot read them. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { foreignRequest } from '#shared/foreign-request.ts';
import { isLoopback } from './listen-address.ts';
import type { ListenAddress } from './serve.ts';

export interface MetricsServer {
  port: number;
  close(): void;
}

/** Rejects if the port is taken. Does not keep the process alive. */
export async function serveMetrics(registry: Registry, address: ListenAddress): Promise<MetricsServer> {
  const server = createServer(async (request, response) => {
    const foreign = isLoopback(address.host) ? foreignRequest(request.headers) : undefined;
    if (foreign !== undefined) {
      response.writeHead(403, { 'content-type': 'text/plain' }).end(`${foreign}\n`);
      return;
    }
    if (request.url !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('only GET /metrics is here\n');
      return;
    }
    if (request.method !== 'GET') {
      response.writeHead(405, { allow: 'GET', 'content-type': 'text/plain' }).end('only GET is allowed\n');
      return;
    }
    try {
      response.writeHead(200, { 'content-type': registry.contentType }).end(await registry.metrics());
    } catch {
      response.destroy();
    }
  });
  await listen(server, address);
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listen(server: Server, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, () => {
      server.removeListener('error', reject);
      server.on('error', () => undefined);
      resolve();
    });
  });
}
