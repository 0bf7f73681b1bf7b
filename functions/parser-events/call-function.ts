/** One HTTP request to a function's Service, bounded in time and in bytes. */
import { lookup as dnsLookup } from 'node:dns';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import type { LookupFunction } from 'node:net';
import { SECOND } from '#shared/durations.ts';

/** A CloudEvent in binary mode. Header values are Latin-1, each character one byte, as Node reads them. */
export interface OutgoingCall {
  headers: Record<string, string>;
  body: Buffer;
}

export interface CallLimits {
  /** From connecting to the last byte. */
  milliseconds: number;
  /** Of the answer's body. */
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

/**
 * Not fetch: it follows a function's redirects, joins its 1xx answers, and has time-outs of its own. Connections are
 * kept, since the way to a Service is through a proxy that outlives the function's pods.
 */
export function createCallFunction(): CallFunction {
  const agent = new Agent({ keepAlive: true, keepAliveMsecs: 10 * SECOND, maxFreeSockets: 100, timeout: 30 * SECOND });
  return (url, call, limits) => callFunction(url, call, limits, agent);
}

function callFunction(url: string, { headers, body }: OutgoingCall, limits: CallLimits, agent: Agent) {
  return new Promise<CallResult>((resolve) => {
    let began = false;
    const outgoing = request(url, {
      method: 'POST',
      agent,
      lookup: lookupWithLocalhost,
      headers: { ...headers, 'content-length': body.length },
      // As much as we take of a Broker: some functions echo every attribute.
      maxHeaderSize: 256 * 1024,
    });
    const timer = setTimeout(() => settle({ kind: 'too slow' }), limits.milliseconds);

    function settle(result: CallResult): void {
      clearTimeout(timer);
      resolve(result);
      if (result.kind !== 'answered') {
        outgoing.destroy();
      }
    }
    function broken(error: Error): void {
      settle({ kind: 'broken', began, detail: error.message });
    }

    // The agent's own time-out is for connections that nobody uses.
    outgoing.setTimeout(0);
    outgoing.once('error', broken);
    outgoing.once('response', (incoming) => {
      began = true;
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > limits.bytes) {
          settle({ kind: 'too large' });
        } else {
          chunks.push(chunk);
        }
      });
      incoming.once('error', broken);
      incoming.once('end', () => {
        const { statusCode: status = 0, headers } = incoming;
        settle({ kind: 'answered', status, headers, body: Buffer.concat(chunks, size) });
      });
    });
    outgoing.on('upgrade', (_, socket) => {
      socket.destroy();
      settle({ kind: 'broken', began: true, detail: 'it wants another protocol' });
    });
    outgoing.end(body);
  });
}

/** Not every resolver knows that names below localhost are this machine. */
const lookupWithLocalhost: LookupFunction = (hostname, options, callback) => {
  dnsLookup(hostname.endsWith('.localhost') ? '127.0.0.1' : hostname, options, callback);
};
