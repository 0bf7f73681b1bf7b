/** What the signature and the gateway cost an event: CPU of signing and checking, and the way through the gateway. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as z from 'zod';
import { CLIENT_EVENTS } from '#functions/gateway/bind.ts';
import { gateway } from '#functions/gateway/handler.ts';
import { createVerifyToken } from '#functions/gateway/tokens.ts';
import { createBroker } from '#shared/clients/broker.ts';
import { signHeaders, signingKeys, verifyHeaders } from '#shared/runtime/signing.ts';
import { startFunction } from '#shared/runtime/start-function.ts';
import { median, type Row } from './row.ts';

const EVENT_KEY = `k1:${Buffer.alloc(32, 1).toString('base64')}`;
const KIB = 1024;
const REQUESTS = 500;

export async function signatures(): Promise<Row[]> {
  return [...[2, 1024].map(signAndCheck), ...(await throughGateway())];
}

function signAndCheck(kibibytes: number): Row {
  const keys = signingKeys({ EVENT_KEY });
  if (!keys) {
    throw new Error('the key is none');
  }
  const body = Buffer.alloc(kibibytes * KIB, 'x');
  const once = () => {
    const headers: Record<string, string> = {
      'ce-type': 'parser.start',
      'ce-source': 'bench',
      'ce-id': 'acme.1',
      'ce-subject': 'acme/transfers',
    };
    signHeaders(headers, body, keys);
    if (verifyHeaders(headers, body, headers['ce-kauth'], keys).problem !== undefined) {
      throw new Error('the signature does not count');
    }
  };
  const times = kibibytes > 100 ? 300 : 20_000;
  for (let n = 0; n < times / 10; n++) {
    once();
  }
  const before = process.cpuUsage();
  for (let n = 0; n < times; n++) {
    once();
  }
  const { user, system } = process.cpuUsage(before);
  const value = (user + system) / 1000 / times;
  return {
    name: `sign and check ${kibibytes} KiB, CPU`,
    value,
    unit: 'ms',
    ...(kibibytes === 2 ? { aim: '≤ 0.3 ms' } : {}),
  };
}

/** From a client to a Broker that takes everything at once, in this process, one after the other. */
async function throughGateway(): Promise<Row[]> {
  const broker = createServer((request, answer) => request.resume().on('end', () => answer.writeHead(202).end()));
  await new Promise<void>((resolve) => broker.listen(0, '127.0.0.1', resolve));
  const brokerUrl = `http://127.0.0.1:${(broker.address() as AddressInfo).port}`;
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const issuer = 'https://cluster.example';
  const token = await new SignJWT({ sub: 'system:serviceaccount:acme:ci' })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
    .setIssuer(issuer)
    .setAudience('knative-lambda')
    .setExpirationTime('1h')
    .sign(privateKey);
  const keys = [{ ...(await exportJWK(publicKey)), kty: 'RSA', kid: 'k1' }];
  const verify = createVerifyToken({ issuer: async () => issuer, keys: async () => ({ keys }) });
  const principal = {
    name: 'acme',
    tokens: [{ service_account: 'acme/ci' }],
    third_party_ids: ['acme'],
    events_per_minute: 1_000_000,
    operator: false,
    blocked: false,
  };
  const running = await startFunction(
    {
      name: 'gateway',
      config: z.object({}),
      events: CLIENT_EVENTS,
      answers: 'clients',
      dependencies: () => ({
        broker: createBroker({ BROKER_URL: brokerUrl, EVENT_KEY }),
        principals: async () => ({ issuers: [], principals: [principal] }),
        verify,
        rates: { exceeded: () => undefined },
        authentication: 'required' as const,
        sourcePrefix: '{third_party_id}/{parser_id}/',
      }),
      handle: gateway,
    },
    { PORT: '0', METRICS_PORT: '0', LOG_LEVEL: 'silent', HOST: '127.0.0.1' },
  );
  const url = `http://127.0.0.1:${running.port}/`;
  try {
    const direct = await medianTime((n) => send(brokerUrl, n));
    const through = await medianTime((n) => send(url, n, token));
    const names = ['to a Broker that answers at once', 'the same through the gateway'];
    return [
      { name: names[0] ?? '', value: direct, unit: 'ms' },
      {
        name: names[1] ?? '',
        value: through,
        unit: 'ms',
        ratio: through / direct,
        baseline: 'direct',
        aim: '≤ 5 ms more',
      },
    ];
  } finally {
    await running.close();
    broker.closeAllConnections();
    broker.close();
  }
}

async function send(url: string, n: number, token?: string): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'ce-specversion': '1.0',
      'ce-id': String(n),
      'ce-source': 'bench',
      'ce-type': 'parser.start',
      'ce-subject': 'acme/transfers',
      'content-type': 'application/json',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify({ data: 'x'.repeat(2 * KIB) }),
  });
  await response.arrayBuffer();
  if (response.status !== 202) {
    throw new Error(`${url} answered ${response.status}`);
  }
}

/** Milliseconds. */
async function medianTime(once: (n: number) => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < REQUESTS; n++) {
    const began = performance.now();
    await once(n);
    times.push(performance.now() - began);
  }
  return median(times);
}
