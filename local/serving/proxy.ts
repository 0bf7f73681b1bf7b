/** One request to one pod and its answer back, both streamed. */
import { type ClientRequest, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';

/** `refused`: nothing listened, and not one byte of the request has been read, so another pod may be asked. */
export type ProxyOutcome = 'answered' | 'refused';

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
]);

/** `timeoutSeconds`: until the answer is complete. */
export function proxy(
  request: IncomingMessage,
  response: ServerResponse,
  port: number,
  timeoutSeconds: number,
): Promise<ProxyOutcome> {
  return new Promise((resolve) => {
    let connected = false;
    const upstream = httpRequest({
      host: '127.0.0.1',
      port,
      method: request.method,
      path: request.url,
      headers: [...withoutHops(request.rawHeaders, ['expect']), 'Connection', 'close'],
      setHost: false,
      // A connection a request: a kept one may be closed by the pod in the moment in which we use it, and then nobody
      // knows whether the request was handled.
      agent: false,
    });
    const timer = setTimeout(() => fail(504, 'request timeout'), timeoutSeconds * 1000);

    function end(outcome: ProxyOutcome): void {
      clearTimeout(timer);
      response.off('close', onClosed);
      resolve(outcome);
    }
    /** An answer that has begun can only be cut off: the caller must not take it for whole. */
    function fail(status: number, text: string): void {
      upstream.destroy();
      request.unpipe(upstream);
      request.resume();
      if (response.headersSent) {
        response.destroy();
      } else {
        response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
      }
      end('answered');
    }
    function onClosed(): void {
      upstream.destroy();
      end('answered');
    }

    response.once('close', onClosed);
    upstream.once('socket', (socket) => {
      socket.once('connect', () => {
        connected = true;
        request.pipe(upstream);
      });
    });
    upstream.once('error', (error: NodeJS.ErrnoException) => {
      if (response.closed || response.writableEnded) {
        return;
      }
      if (!connected && error.code === 'ECONNREFUSED') {
        end('refused');
      } else {
        fail(502, `the function's pod broke the connection: ${error.message}`);
      }
    });
    upstream.once('response', (answer) => {
      passOn(answer, response, upstream);
      answer.once('end', () => {
        request.unpipe(upstream);
        request.resume();
      });
      answer.once('close', () => (answer.complete ? undefined : response.destroy()));
    });
  });
}

function passOn(answer: IncomingMessage, response: ServerResponse, upstream: ClientRequest): void {
  response.writeHead(
    answer.statusCode ?? 502,
    answer.statusMessage ?? '',
    withoutHops(answer.rawHeaders, ['transfer-encoding']),
  );
  response.flushHeaders();
  answer.pipe(response);
  answer.once('error', () => upstream.destroy());
}

/** Names and values in turn, as node keeps them, so that spelling, order and repetition survive. */
function withoutHops(raw: string[], alsoWithout: string[]): string[] {
  const named = raw.filter((_, index) => raw[index - 1]?.toLowerCase() === 'connection' && index % 2 === 1);
  const gone = new Set([
    ...HOP_BY_HOP,
    ...alsoWithout,
    ...named.flatMap((list) => list.toLowerCase().split(/\s*,\s*/)),
  ]);
  return raw.filter((_, index) => !gone.has((raw[index - (index % 2)] ?? '').toLowerCase()));
}
