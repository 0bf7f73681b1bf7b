/** One HTTP exchange with a registry, or with whom it refers to: kept connections, time-outs, redirects, and bounds. */
import { once } from 'node:events';
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { SECOND } from '#shared/durations.ts';
import { PermanentError } from '#shared/events/errors.ts';

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: URL;
  headers?: Record<string, string>;
  body?: Buffer;
  /** Bytes of an answer's body. More are refused. */
  limit?: number;
  /** Leaves the body of an answer 200 to be read by the caller, who has to read or destroy it. */
  isStreamed?: boolean;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Of the last redirect. */
  url: URL;
  /** Empty where the body is streamed. */
  body: Buffer;
  stream: Readable | undefined;
}

export interface RegistryTimeouts {
  /** Milliseconds until the connection is established. */
  connect: number;
  /** Milliseconds without a byte. Some registries copy a large blob before they answer for it. */
  idle: number;
}

export interface RegistryHttp {
  /** Throws the error of the network, or PermanentError('Refused') for an answer that is not acceptable. */
  exchange(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

const TIMEOUTS: RegistryTimeouts = { connect: 3 * SECOND, idle: 30 * SECOND };
/** Of answers whose body only says what went wrong. */
const SMALL = 64 * 1024;
const MOST_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export function registryHttp(timeouts: RegistryTimeouts = TIMEOUTS): RegistryHttp {
  const plain = new http.Agent({ keepAlive: true });
  const secure = new https.Agent({ keepAlive: true });

  /** A server may close a kept connection at the moment it is used again. Then the request is sent anew. */
  async function send(request: HttpRequest): Promise<IncomingMessage> {
    const first = attempt(request);
    try {
      return await first.answer;
    } catch (error) {
      const isStale = first.outgoing.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
      if (!isStale) {
        throw error;
      }
      return await attempt(request).answer;
    }
  }

  function attempt({ method, url, headers = {}, body }: HttpRequest) {
    const isSecure = url.protocol === 'https:';
    const options = { method, headers, timeout: timeouts.idle };
    const outgoing = isSecure
      ? https.request(url, { ...options, agent: secure })
      : http.request(url, { ...options, agent: plain });
    outgoing.on('timeout', () => outgoing.destroy(timedOut()));
    outgoing.on('socket', (socket) => {
      if (socket.connecting) {
        const tooLong = setTimeout(() => outgoing.destroy(timedOut()), timeouts.connect);
        socket.once(isSecure ? 'secureConnect' : 'connect', () => clearTimeout(tooLong));
        socket.once('close', () => clearTimeout(tooLong));
      }
    });
    const answer = once(outgoing, 'response').then(([message]) => message as IncomingMessage);
    // What happens after the answer ends its stream, which is where it is noticed.
    outgoing.on('error', () => undefined);
    outgoing.end(body);
    return { outgoing, answer };
  }

  return {
    async exchange(request) {
      let asked = request;
      let message = await send(asked);
      for (let redirects = 0; redirects < MOST_REDIRECTS; redirects++) {
        const next = redirected(asked, message);
        if (!next) {
          break;
        }
        message.resume();
        asked = next;
        message = await send(asked);
      }
      return await answerOf(message, asked);
    },
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

async function answerOf(
  message: IncomingMessage,
  { url, isStreamed, limit = SMALL }: HttpRequest,
): Promise<HttpAnswer> {
  const { statusCode: status = 0, headers } = message;
  if (isStreamed && status === 200) {
    // Until somebody reads it. Whoever does gets the error.
    message.on('error', () => undefined);
    return { status, headers, url, body: Buffer.alloc(0), stream: message };
  }
  return { status, headers, url, body: await readWhole(message, status === 200 ? limit : SMALL), stream: undefined };
}

/** Credentials are for the host that asked for them: a storage that blobs are redirected to has its own in the URL. */
function redirected(request: HttpRequest, { statusCode = 0, headers }: IncomingMessage): HttpRequest | undefined {
  const { location } = headers;
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (!isRead || location === undefined || !REDIRECTS.has(statusCode)) {
    return undefined;
  }
  const url = resolved(location, request.url);
  const { authorization, ...others } = request.headers ?? {};
  const isSameHost = url.origin === request.url.origin;
  return { ...request, url, headers: { ...others, ...(isSameHost && authorization ? { authorization } : {}) } };
}

/**
 * A Location, absolute or relative. A registry behind a proxy that ends TLS often names itself by http; the scheme that
 * was asked stays. Any other step down to plain HTTP is refused.
 */
export function resolved(location: string, base: URL): URL {
  const url = URL.parse(location, base.href);
  if (url?.protocol === 'http:' && base.protocol === 'https:' && url.hostname === base.hostname) {
    url.protocol = 'https:';
    url.port = base.port;
  }
  const isAllowed = url?.protocol === 'https:' || (url?.protocol === 'http:' && base.protocol === 'http:');
  if (!url || !isAllowed) {
    const message = `${base.host} sends its client to ${url ? url.origin : 'an address that is none'}, which is not spoken to from a registry with TLS. Correct the public address in the registry's settings`;
    throw new PermanentError('Refused', message);
  }
  return url;
}

async function readWhole(message: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) {
      message.destroy();
      throw new PermanentError(
        'Refused',
        `the registry answered with more than ${limit} bytes where so many are allowed`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function timedOut(): Error {
  return Object.assign(new Error('no answer in time'), { name: 'TimeoutError' });
}
