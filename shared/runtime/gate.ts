/** Stands before faas-js-runtime's HTTP server, so that the runtime carries requests and answers but has no say in what they mean. */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { mediaType } from './media-type.ts';
import type { FunctionRequest } from './request.ts';

const HEALTH = new Set(['/health/liveness', '/health/readiness']);

/** RabbitMQ carries 128 KiB of headers. Node's own limit of 16 KiB would answer such an event 431, and so destroy it. */
const MAX_HEADER_BYTES = 1024 * 1024;

/** A structured event is read to this length although it is refused for it: its attributes are in the body. */
const STRUCTURED_KEPT_BYTES = 8 * 1024 * 1024;

/** Symbols survive the runtime's `{...request.headers}`, and no client can send one. */
const REQUEST = Symbol('request');

export interface GateOptions {
  /** Bytes of data that are kept. */
  limit: number;
  draining: () => boolean;
}

/**
 * The runtime takes `?cloudevent=` for an event, answers 500 where an attribute is missing, cuts bodies off with errors of its
 * own and serves its metrics to everybody. So but for the health checks it sees every request as an empty `POST /`, and what
 * came is handed on under a symbol.
 */
export function installGate(server: Server, { limit, draining }: GateOptions): void {
  const runtime = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  // Both are read by Node at every new connection. By itself it takes a thousand headers and drops the others without a word, ce-type among them.
  (server as Server & { maxHeaderSize: number }).maxHeaderSize = MAX_HEADER_BYTES;
  server.maxHeadersCount = 0;
  const pass = (request: IncomingMessage, response: ServerResponse) => {
    for (const listener of runtime) {
      listener.call(server, request, response);
    }
  };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (draining()) {
      response.setHeader('connection', 'close');
    }
    correctHeaders(response);
    const path = request.url?.split('?', 1)[0] ?? '';
    if (request.method === 'GET' && HEALTH.has(path)) {
      request.url = path;
      pass(request, response);
      return;
    }
    readRequest(request, path, limit, (read) => {
      disguise(request, read);
      pass(request, response);
    });
  });
}

/** What came with the request that the runtime handed to the function. Undefined where the gate has not seen it. */
export function gatedRequest(headers: object): FunctionRequest | undefined {
  return (headers as { [REQUEST]?: FunctionRequest })[REQUEST];
}

/** A client that goes away in mid-body gets no answer and leaves nothing behind. */
function readRequest(
  request: IncomingMessage,
  path: string,
  limit: number,
  done: (read: FunctionRequest) => void,
): void {
  const isStructured = mediaType(request.headers['content-type']).startsWith('application/cloudevents');
  const kept = isStructured ? Math.max(limit, STRUCTURED_KEPT_BYTES) : limit;
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

/** The runtime allows every origin on every answer, although a function is no resource for pages; and calls JSON what has no content. */
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
