/**
 * The suite's ear and hand inside a platform: it records what the Broker delivers, answers as a test wants a subscriber
 * to answer, and passes requests on to addresses that only the platform can reach. Plain Node without imports of ours:
 * on a cluster it runs as a Pod from nothing but this text.
 *
 * Two doors. The subscriber's is open to the platform:
 *   POST /                             recorded, 202
 *   POST /answer/{status}/{anything}?after={ms}   recorded once it has been answered, that late
 * The suite's is on loopback alone, since it lets through whatever it is asked for; a port-forward reaches it all the
 * same:
 *   GET /events?after={n}              NDJSON of what was recorded after the n-th, and of what follows; without
 *                                      `after`, of what follows. `until=now` ends it there
 *   CONNECT host:port                  raw bytes
 *   any other Host                     the request, passed on to that host
 */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

export interface Recorded {
  /** Counts from 1. */
  n: number;
  path: string;
  headers: Record<string, string>;
  body: string;
  /** False where the caller went away before it was answered. */
  answered: boolean;
}

export interface Probe {
  /** Ports. */
  subscriber: number;
  suite: number;
  close(): Promise<void>;
}

export interface ProbeOptions {
  /** Where the subscriber's door listens. */
  host: string;
  /** 0 takes any free port. */
  subscriber: number;
  suite: number;
}

const HEARTBEAT_MILLISECONDS = 5000;
/**
 * Of silence. Then it keeps nothing any more, but goes on answering: what the Broker cannot deliver it would send
 * again, to everybody.
 */
const ABANDONED_MILLISECONDS = 120_000;

export async function startProbe(options: ProbeOptions): Promise<Probe> {
  const records: Recorded[] = [];
  let heard = Date.now();
  const followers = new Set<ServerResponse>();
  const tell = (follower: ServerResponse, record: Recorded | { n: number }) =>
    follower.write(`${JSON.stringify(record)}\n`);
  const keep = (record: Omit<Recorded, 'n'>) => {
    if (Date.now() - heard > ABANDONED_MILLISECONDS) {
      return;
    }
    const kept = { n: records.length + 1, ...record };
    records.push(kept);
    for (const follower of followers) {
      tell(follower, kept);
    }
  };

  const heartbeat = setInterval(() => {
    // A follower that hears nothing knows that its connection is dead.
    for (const follower of followers) {
      tell(follower, { n: records.length });
      heard = Date.now();
    }
  }, HEARTBEAT_MILLISECONDS);

  const subscriber = createServer(async (incoming, response) => {
    const body = await text(incoming);
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://probe');
    const record = { path: pathname, headers: incoming.headers as Record<string, string>, body };
    const [, wanted] = /^\/answer\/(\d{3})(\/|$)/.exec(pathname) ?? [];
    if (incoming.method !== 'POST' || wanted === undefined) {
      if (incoming.method === 'POST') {
        keep({ ...record, answered: true });
      }
      response.writeHead(202).end();
      return;
    }
    const answer = setTimeout(
      () => {
        keep({ ...record, answered: true });
        response.writeHead(Number(wanted)).end();
      },
      Number(searchParams.get('after') ?? 0),
    );
    response.once('close', () => {
      if (!response.writableEnded) {
        clearTimeout(answer);
        keep({ ...record, answered: false });
      }
    });
  });

  const suite = createServer((incoming, response) => {
    heard = Date.now();
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://probe');
    if (!/^(127\.0\.0\.1|localhost)(:|$)/.test(incoming.headers.host ?? '')) {
      passOn(incoming, response);
    } else if (pathname === '/events') {
      const after = Number(searchParams.get('after') ?? records.length);
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      tell(response, { n: after });
      for (const record of records.slice(after)) {
        tell(response, record);
      }
      if (searchParams.has('until')) {
        response.end();
        return;
      }
      followers.add(response);
      response.once('close', () => followers.delete(response));
    } else {
      response.writeHead(404).end('ask for /events, or under another Host\n');
    }
  });
  suite.on('connect', ({ url }: IncomingMessage, socket) => {
    heard = Date.now();
    const { hostname, port } = new URL(`http://${url}`);
    const target = connect(Number(port || 80), hostname, () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
    socket.on('close', () => target.destroy());
  });

  const ports = [
    await listen(subscriber, options.subscriber, options.host),
    await listen(suite, options.suite, '127.0.0.1'),
  ] as const;
  return {
    subscriber: ports[0],
    suite: ports[1],
    async close() {
      clearInterval(heartbeat);
      for (const server of [subscriber, suite]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

async function text(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function passOn(incoming: IncomingMessage, response: ServerResponse): void {
  const { hostname, port } = new URL(`http://${incoming.headers.host}`);
  const onward = request(
    { hostname, port: port || 80, method: incoming.method, path: incoming.url, headers: incoming.headers },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    },
  );
  onward.on('error', (error) => response.destroy(error));
  incoming.pipe(onward);
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  // Answers may be late on purpose, and followers stay.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return (server.address() as AddressInfo).port;
}

/** The ports in a Pod, where there is nobody to be told of others. */
export const POD_PORTS = { subscriber: 8080, suite: 8081 };

if (process.env['PROBE'] === 'serve') {
  process.on('SIGTERM', () => process.exit(0));
  await startProbe({ host: '0.0.0.0', ...POD_PORTS });
}
