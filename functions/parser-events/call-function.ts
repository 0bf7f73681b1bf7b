/** One HTTP request to a function's Service, bounded in time and in bytes. */
import { lookup as dnsLookup } from 'node:dns';
import { Agent, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { LookupFunction, Socket } from 'node:net';
import { SECOND } from '#shared/durations.ts';
import { GrowingBuffer } from './growing-buffer.ts';

/** A CloudEvent in binary mode. Header values are Latin-1, each character one byte, as Node reads them. */
export interface OutgoingCall {
  headers: Record<string, string>;
  body: Buffer;
}

export interface CallLimits {
  /** From connecting to the last byte. */
  milliseconds: number;
  /** Of the answer's body, and of what comes before the answer (1xx). */
  bytes: number;
}

/** What came back, by whoever answered. */
export type CallResult =
  | { kind: 'answered'; status: number; headers: IncomingHttpHeaders; body: Buffer }
  | { kind: 'too large' }
  | { kind: 'too slow' }
  /** `began`: the answer had begun before the connection broke. */
  | { kind: 'broken'; began: boolean; detail: string };

export type CallFunction = (url: string, call: OutgoingCall, limits: CallLimits) => Promise<CallResult>;

/** As much as we take of a Broker: some functions echo every attribute. */
const MAX_HEADER_BYTES = 256 * 1024;

/**
 * Not fetch: it follows a function's redirects, joins its 1xx answers, and has time-outs of its own. Connections are
 * kept, since the way to a Service is through a proxy that outlives the function's pods.
 */
export function createCallFunction(): CallFunction {
  const kept = new Agent({ keepAlive: true, keepAliveMsecs: 10 * SECOND, maxFreeSockets: 100, timeout: 30 * SECOND });
  return async (url, call, { milliseconds, bytes }) => {
    const began = performance.now();
    const first = await callOnce(url, call, { milliseconds, bytes }, kept);
    if (first !== 'stale') {
      return first;
    }
    // The other end had closed the connection while nobody used it, and the request crossed that.
    const left = Math.max(1, milliseconds - (performance.now() - began));
    const second = await callOnce(url, call, { milliseconds: left, bytes }, false);
    return second === 'stale' ? { kind: 'broken', began: false, detail: 'the connection was closed' } : second;
  };
}

/** `stale`: a kept connection broke before one byte of the answer came. */
function callOnce(url: string, { headers, body }: OutgoingCall, limits: CallLimits, agent: Agent | false) {
  return new Promise<CallResult | 'stale'>((resolve) => {
    const outgoing = request(url, {
      method: 'POST',
      agent,
      lookup: lookupWithLocalhost,
      headers: { ...headers, 'content-length': body.length },
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    const answerBytes = countAnswer(outgoing);
    const timer = setTimeout(() => settle({ kind: 'too slow' }), limits.milliseconds);
    let began = false;

    function settle(result: CallResult | 'stale'): void {
      clearTimeout(timer);
      resolve(result);
      if (result === 'stale' || result.kind !== 'answered') {
        outgoing.destroy();
      }
    }
    function broken(error: NodeJS.ErrnoException): void {
      if (error.code === 'HPE_HEADER_OVERFLOW') {
        settle({ kind: 'too large' });
      } else if (outgoing.reusedSocket && answerBytes() === 0) {
        settle('stale');
      } else {
        settle({ kind: 'broken', began, detail: error.message });
      }
    }

    // The agent's own time-out is for connections that nobody uses.
    outgoing.setTimeout(0);
    // Not once: a request that is destroyed may say so again.
    outgoing.on('error', broken);
    outgoing.on('information', () => {
      if (answerBytes() > limits.bytes) {
        settle({ kind: 'too large' });
      }
    });
    outgoing.once('response', (incoming) => {
      began = true;
      readAnswer(incoming, limits.bytes, settle, broken);
    });
    outgoing.once('upgrade', ({ statusCode: status = 101, headers }, socket) => {
      socket.destroy();
      settle({ kind: 'answered', status, headers, body: Buffer.alloc(0) });
    });
    outgoing.end(body);
  });
}

function readAnswer(
  incoming: IncomingMessage,
  limit: number,
  settle: (result: CallResult) => void,
  broken: (error: Error) => void,
): void {
  const body = new GrowingBuffer();
  incoming.on('data', (chunk: Buffer) => {
    if (body.length + chunk.length > limit) {
      settle({ kind: 'too large' });
    } else {
      body.append(chunk);
    }
  });
  incoming.on('error', broken);
  incoming.once('end', () => {
    const { statusCode: status = 0, headers } = incoming;
    settle({ kind: 'answered', status, headers, body: body.bytes() });
  });
}

/** Bytes that came since this request got its connection. */
function countAnswer(outgoing: ClientRequest): () => number {
  let socket: Socket | undefined;
  let before = 0;
  outgoing.once('socket', (given) => {
    socket = given;
    before = given.bytesRead;
  });
  return () => (socket ? socket.bytesRead - before : 0);
}

const lookupWithLocalhost: LookupFunction = (hostname, options, callback) => {
  dnsLookup(resolvable(hostname), options, callback);
};

/** Not every resolver knows that names below localhost are this machine. */
function resolvable(hostname: string): string {
  if (hostname.endsWith('.localhost')) {
    return '127.0.0.1';
  }
  // With the dot, the resolver does not try the pod's search domains first, which are six questions for nothing.
  return hostname.endsWith('.svc.cluster.local') ? `${hostname}.` : hostname;
}
