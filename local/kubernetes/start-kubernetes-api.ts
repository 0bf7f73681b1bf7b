/** The Kubernetes API over HTTP, for kubectl and everything that speaks to a cluster. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { foreignRequest } from '#shared/foreign-request.ts';
import { answerPatch } from './answer-patch.ts';
import { answerCreate, answerDelete, answerRead, answerReplace } from './answer-request.ts';
import { ApiError } from './api-error.ts';
import { type Answer, type ApiRequest, refuseDryRun } from './api-request.ts';
import { answerDiscovery } from './discovery.ts';
import { parseTarget, type RequestTarget } from './request-target.ts';
import type { Storage } from './storage.ts';
import { streamLog } from './stream-log.ts';
import { streamWatch } from './stream-watch.ts';
import type { PodLogs } from './types.ts';

export interface KubernetesApiOptions {
  storage: Storage;
  logs: PodLogs;
  /** 0 takes a free one. */
  port: number;
}

export interface KubernetesApi {
  url: string;
  /** Ends open watches as well. */
  close(): Promise<void>;
}

/**
 * Listens on 127.0.0.1 alone, in plain HTTP, and asks nobody who they are: whoever runs programs on this machine is
 * trusted. Web pages are not: see foreign-request.ts. Bodies of types that need no preflight are refused as well.
 */
export async function startKubernetesApi({ storage, logs, port }: KubernetesApiOptions): Promise<KubernetesApi> {
  const server = createServer((request, response) => {
    serve(storage, logs, request, response).catch((error: unknown) => refuse(response, error));
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(port, '127.0.0.1', listening);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

async function serve(
  storage: Storage,
  logs: PodLogs,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const foreign = foreignRequest(message.headers);
  if (foreign !== undefined) {
    throw new ApiError(403, 'Forbidden', foreign);
  }
  const url = new URL(message.url ?? '/', 'http://localhost');
  const segments = decode(url.pathname);
  const reading = message.method === 'GET' || message.method === 'HEAD';
  const discovered = reading ? answerDiscovery(segments, message.headers) : undefined;
  if (discovered) {
    return send(response, discovered);
  }
  const target = parseTarget(segments);
  if (!target) {
    throw ApiError.unknownResource();
  }
  const request: ApiRequest = { table: storage.table, target, query: url.searchParams, message };
  requireSubresource(target);
  refuseDryRun(url.searchParams.get('dryRun'));
  if (target.subresource === 'log') {
    if (!reading) {
      throw ApiError.methodNotAllowed();
    }
    return streamLog(request, logs, response);
  }
  if (reading && isTrue(url.searchParams.get('watch'))) {
    return streamWatch(request, response);
  }
  send(response, await answer(request));
}

async function answer(request: ApiRequest): Promise<Answer> {
  const { method } = request.message;
  const { subresource } = request.target;
  if (method === 'GET' || method === 'HEAD') {
    return answerRead(request);
  }
  if (method === 'PUT') {
    return answerReplace(request);
  }
  if (method === 'PATCH') {
    return answerPatch(request);
  }
  if (method === 'POST' && subresource === undefined) {
    return answerCreate(request);
  }
  if (method === 'DELETE' && subresource === undefined) {
    return answerDelete(request);
  }
  throw ApiError.methodNotAllowed();
}

function requireSubresource({ resource, subresource }: RequestTarget): void {
  const isThere =
    subresource === undefined ||
    (subresource === 'status' && resource.hasStatus) ||
    (subresource === 'log' && resource.kind === 'Pod');
  if (!isThere) {
    throw ApiError.unknownResource();
  }
}

function decode(pathname: string): string[] {
  try {
    return pathname.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    throw ApiError.badRequest(`the path is not properly encoded: ${pathname}`);
  }
}

function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1';
}

function send(response: ServerResponse, { code, body, contentType = 'application/json' }: Answer): void {
  const asIs = typeof body === 'string' || Buffer.isBuffer(body);
  const text = asIs ? body : `${JSON.stringify(body)}\n`;
  response.writeHead(code, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }).end(text);
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const known =
    error instanceof ApiError ? error : new ApiError(500, 'InternalError', `Internal error occurred: ${error}`);
  // The rest of a body that was refused unread would be taken for the next request.
  if (known.code === 413) {
    response.setHeader('connection', 'close');
  }
  send(response, { code: known.code, body: known.status });
}
