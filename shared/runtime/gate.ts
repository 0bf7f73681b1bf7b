/** Reads every request before faas-js-runtime does. The runtime transports requests, but does not interpret them. */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { foreignRequest } from '#shared/foreign-request.ts';
import { isStructured } from './media-type.ts';
import type { FunctionRequest } from './request.ts';

const HEALTH = new Set(['/health/liveness', '/health/readiness']);

/**
 * RabbitMQ carries 128 KiB of headers. Node's own limit of 16 KiB would answer 431 to such an event, and the Broker
 * drops an event that is answered with a 4xx.
 */
const MAX_HEADER_BYTES = 1024 * 1024;

/**
 * A structured event over the limit is refused. It is read to this length all the same, since the answer needs its
 * attributes, which are in the body.
 */
const STRUCTURED_KEPT_BYTES = 8 * 1024 * 1024;

/** Of a request to a route. The names and hashes of 10,000 files have less. */
const ROUTE_BYTES = 4 * 1024 * 1024;

/** The runtime copies headers by `{...request.headers}`, which keeps symbols. No client can send a symbol. */
const REQUEST = Symbol('request');

export interface GateOptions {
  /** Bytes of data that are kept. */
  limit: number;
  draining: () => boolean;
  /** It listens on loopback. */
  loopback: boolean;
  /** Undefined where the request is for no route, as `POST /` never is. Gives what answers it once it is read. */
  route?: (method: string, path: string) => AnswerRead | undefined;
}

type AnswerRead = (read: FunctionRequest & { query: URLSearchParams }, response: ServerResponse) => void;

/**
 * The runtime's own reading of requests is wrong for us: it takes `?cloudevent=` for an event, answers 500 if an
 * attribute is missing, cuts bodies off with errors of its own, and serves its metrics to everybody. So the gate shows
 * it an empty `POST /` in place of every request except health checks. The real request is passed on under a symbol.
 */
export function installGate(server: Server, { limit, draining, loopback, route }: GateOptions): void {
  const runtime = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  // Node reads both settings at every new connection. By default it drops all headers after the first thousand
  // silently, and ce-type may be one of them.
  (server as Server & { maxHeaderSize: number }).maxHeaderSize = MAX_HEADER_BYTES;
  server.maxHeadersCount = 0;
  const pass = (request: IncomingMessage, response: ServerResponse) => {
    for (const listener of runtime) {
      listener.call(server, request, response);
    }
  };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const foreign = loopback ? foreignRequest(request.headers, true) : undefined;
    if (foreign !== undefined) {
      response.writeHead(403, { 'content-type': 'text/plain', connection: 'close' }).end(`${foreign}\n`);
      return;
    }
    if (draining()) {
      response.setHeader('connection', 'close');
    }
    const path = request.url?.split('?', 1)[0] ?? '';
    const isEvent = request.method === 'POST' && path === '/';
    const isHealth = request.method === 'GET' && HEALTH.has(path);
    const answerRead = isEvent || isHealth ? undefined : route?.(request.method ?? '', path);
    if (answerRead) {
      const query = new URLSearchParams(request.url?.slice(path.length + 1));
      readRequest(request, path, ROUTE_BYTES, (read) =>
        answerRead({ ...read, query, isGone: () => response.destroyed }, response),
      );
      return;
    }
    correctHeaders(response);
    if (isHealth) {
      request.url = path;
      pass(request, response);
      return;
    }
    readRequest(request, path, limit, (read) => {
      disguise(request, { ...read, isGone: () => response.destroyed });
      pass(request, response);
    });
  });
}

/** The real request behind the headers that the runtime passes to a function. Undefined if the gate has not seen it. */
export function gatedRequest(headers: object): FunctionRequest | undefined {
  return (headers as { [REQUEST]?: FunctionRequest })[REQUEST];
}

/** Calls `done` when the whole body is there. A client that disconnects before gets no answer. */
function readRequest(
  request: IncomingMessage,
  path: string,
  limit: number,
  done: (read: FunctionRequest) => void,
): void {
  const kept = isStructured(request.headers['content-type']) ? Math.max(limit, STRUCTURED_KEPT_BYTES) : limit;
  let chunks: Buffer[] = [];
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= kept) {
      chunks.push(chunk);
    } else {
      chunks = [];
    }
  });
  request.on('error', () => undefined);
  request.on('end', () => {
    const headers = { ...request.headers };
    const repeated = Object.entries(request.headersDistinct).flatMap(([name, values]) =>
      values && values.length > 1 ? [name] : [],
    );
    const body = size <= kept ? Buffer.concat(chunks, size) : undefined;
    done({ method: request.method ?? '', path, headers, repeated, body, size });
  });
}

function disguise(request: IncomingMessage, read: FunctionRequest): void {
  request.method = 'POST';
  request.url = '/';
  for (const name of Object.keys(request.headers)) {
    delete request.headers[name];
  }
  Object.assign(request.headers, { [REQUEST]: read });
}

/**
 * The runtime allows every origin on every answer, but a function is no resource for web pages. It also labels empty
 * answers as JSON. Both headers are removed.
 */
function correctHeaders(response: ServerResponse): void {
  const writeHead = response.writeHead;
  response.writeHead = function writeCorrected(this: ServerResponse, status: number, ...rest: unknown[]) {
    const headers = rest.at(-1);
    if (typeof headers === 'object' && headers !== null) {
      const named = headers as Record<string, unknown>;
      delete named['access-control-allow-origin'];
      delete named['access-control-allow-methods'];
      if (Number(named['content-length']) === 0) {
        delete named['content-type'];
      }
    }
    return writeHead.call(this, status, ...(rest as [])) as ServerResponse;
  } as typeof response.writeHead;
}
