/**
 * The page of a platform that wants a token, at an address of this machine: a browser cannot be given a token
 * otherwise. It takes requests for itself alone, so that no other page of the browser can use the token.
 */
import { createServer, type IncomingMessage, request as requestHttp, type ServerResponse } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkCode } from '#shared/network-code.ts';
import { Failure } from './failure.ts';

type Headers = Record<string, string>;

export interface PageProxy {
  url: string;
  ended: Promise<void>;
}

/** Throws Failure where the port is taken; 0 is any free one. */
export async function startPageProxy(
  { server, token, port, headers = {} }: { server: string; token: string; port: number; headers?: Headers | undefined },
  signal: AbortSignal,
): Promise<PageProxy> {
  const target = new URL(server);
  const proxy = createServer((incoming, outgoing) => {
    if (!isOwn(incoming, own)) {
      outgoing.writeHead(403).end('This address serves the page of kn-lambda open, and nobody else.\n');
      return;
    }
    pass(incoming, outgoing, target, { ...headers, authorization: `Bearer ${token}` });
  });
  await new Promise<void>((resolve, reject) => {
    proxy.once('error', reject).listen(port, '127.0.0.1', resolve);
  }).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`port ${port} of this machine cannot be listened on: ${networkCode(error)}`, {
      next: 'Leave --port out, and any free one is taken.',
    });
  });
  const own = (proxy.address() as AddressInfo).port;
  const ended = new Promise<void>((resolve) => proxy.on('close', resolve));
  signal.addEventListener('abort', () => {
    proxy.close();
    proxy.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${own}/`, ended };
}

/** Another host would be a name that somebody points here; another origin a page from elsewhere. */
function isOwn({ headers }: IncomingMessage, port: number): boolean {
  const own = `127.0.0.1:${port}`;
  return headers.host === own && (headers.origin === undefined || headers.origin === `http://${own}`);
}

function pass(incoming: IncomingMessage, outgoing: ServerResponse, target: URL, own: Headers): void {
  const { host: _host, connection: _connection, origin: _origin, ...kept } = incoming.headers;
  const request = target.protocol === 'https:' ? requestHttps : requestHttp;
  const headers = { ...kept, host: target.host, ...own };
  const passed = request(new URL(incoming.url ?? '/', target), { method: incoming.method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  passed.on('error', (error) => {
    if (!outgoing.headersSent) {
      outgoing.writeHead(502, { 'content-type': 'text/plain; charset=utf-8' });
    }
    outgoing.end(`${target.origin} does not answer: ${error.message}\n`);
  });
  outgoing.on('close', () => passed.destroy());
  incoming.pipe(passed);
}
