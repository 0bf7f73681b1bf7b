/**
 * Calls functions from inside the cluster and notes what becomes of each call. Like the probe it is plain Node without
 * imports of ours, since it runs as a Pod from nothing but this text. It needs no connection to whoever asked for the
 * calls while it makes them, so the API server may be away meanwhile.
 *
 * The subscriber's port takes what the Broker delivers: parser.complete and event.rejected. The suite's is on loopback:
 *   POST /plans          a Plan; answers 201 and its number
 *   GET /plans/{number}  a Report
 */
import { Agent, createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Calls of one function. */
export interface Stream {
  name: string;
  /** Of the Broker; or of the function itself, whose response is then the outcome. */
  url: string;
  direct?: boolean;
  subject: string;
  data: unknown;
  count: number;
  /** Milliseconds from one call to the next. 0: as fast as they are taken. */
  every: number;
  /** Milliseconds from the start of the plan to the first call. */
  after?: number;
  /** Where calls must be signed, one for each: who asks for them has the key, and this pod has not. */
  signed?: { id: string; signature: string }[];
}

export interface Plan {
  streams: Stream[];
  /** One call of each stream in turn, each after the outcome of the one before it. Ignores `every` and `after`. */
  inTurns?: boolean;
  /** Seconds that a call may be without an outcome after the last one was sent; in turns, after it was sent. */
  patience: number;
}

export interface StreamReport {
  name: string;
  /** Taken by the Broker. One that was not taken has been sent again, for two minutes. */
  sent: number;
  /** By the first outcome of each call. */
  complete: number;
  /** Those of `complete` whose data says `succeeded: false`. */
  failed: number;
  rejected: number;
  /** Ids of those of `complete`. */
  completed: string[];
  /** Ids of those without outcome. */
  unanswered: string[];
  /** Ids of calls with outcomes of two kinds, or with two parser.complete of different ids. */
  contradicted: string[];
  /** Milliseconds from sending to outcome, in the order of the calls. */
  latencies: number[];
  /** Milliseconds from the first sending to the last first outcome. */
  took: number;
}

export interface Report {
  done: boolean;
  sent: number;
  streams: StreamReport[];
}

interface Call {
  id: string;
  signature: string | undefined;
  sent: boolean;
  at: number;
  outcomes: { kind: string; id: string; at: number; succeeded: boolean }[];
}

/** Attributes of each call. */
export const CALL = { source: 'bench', type: 'parser.start' };
const SEND_AGAIN_MILLISECONDS = 1000;
const SEND_TIMES = 120;

const calls = new Map<string, Call>();
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** Answers the ports it listens on; 0 takes any free one. */
export async function startCaller(ports: { subscriber: number; suite: number }): Promise<{
  subscriber: number;
  suite: number;
  close(): void;
}> {
  const subscriber = createServer(async (incoming, response) => {
    const at = performance.now();
    const body = await text(incoming);
    response.writeHead(202).end();
    noteOutcome(incoming, body, at);
  });

  const plans: { plan: Plan; calls: Call[][]; done: boolean }[] = [];
  const suite = createServer(async (incoming, response) => {
    const [, number] = /^\/plans\/(\d+)$/.exec(incoming.url ?? '') ?? [];
    const running = plans[Number(number)];
    if (incoming.method === 'POST') {
      const plan = JSON.parse(await text(incoming)) as Plan;
      const started = { plan, calls: plan.streams.map((): Call[] => []), done: false };
      plans.push(started);
      void carryOut(plan, started.calls).then(() => {
        started.done = true;
      });
      response.writeHead(201).end(String(plans.length - 1));
    } else if (running) {
      response.writeHead(200).end(JSON.stringify(reportOf(running)));
    } else {
      response.writeHead(404).end();
    }
  });
  return {
    subscriber: await listen(subscriber, ports.subscriber, '0.0.0.0'),
    suite: await listen(suite, ports.suite, '127.0.0.1'),
    close: () => {
      for (const server of [subscriber, suite]) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return (server.address() as AddressInfo).port;
}

/** Other callers' outcomes are ignored. */
function noteOutcome({ headers }: IncomingMessage, body: string, at: number): void {
  const kind = String(headers['ce-type'] ?? '');
  const data = read(body);
  const call = calls.get(String(headers['ce-causationid'] ?? '')) ?? calls.get(String(data?.event?.id ?? ''));
  call?.outcomes.push({ kind, id: String(headers['ce-id'] ?? ''), at, succeeded: data?.succeeded !== false });
}

async function carryOut({ streams, inTurns, patience }: Plan, made: Call[][]): Promise<void> {
  const begin = (index: number) => {
    const { id, signature } = streams[index]?.signed?.[made[index]?.length ?? 0] ?? { id: crypto.randomUUID() };
    const call: Call = { id, signature, sent: false, at: performance.now(), outcomes: [] };
    calls.set(call.id, call);
    made[index]?.push(call);
    return call;
  };
  const outcomeOf = async (waited: Call[], since: number) => {
    while (waited.some(({ outcomes }) => outcomes.length === 0) && performance.now() - since < patience * 1000) {
      await sleep(waited.length > 1 ? 50 : 1);
    }
  };
  if (inTurns) {
    const most = Math.max(...streams.map(({ count }) => count));
    for (let n = 0; n < most; n += 1) {
      for (const [index, stream] of streams.entries()) {
        if (n < stream.count) {
          const call = begin(index);
          await send(stream, call);
          await outcomeOf([call], call.at);
        }
      }
    }
    return;
  }
  const start = performance.now();
  await Promise.all(
    streams.map(async (stream, index) => {
      const first = start + (stream.after ?? (stream.every * index) / streams.length);
      const sending: Promise<void>[] = [];
      for (let n = 0; n < stream.count; n += 1) {
        const early = first + n * stream.every - performance.now();
        if (early > 0) {
          await sleep(early);
        }
        sending.push(send(stream, begin(index)));
      }
      await Promise.all(sending);
    }),
  );
  await outcomeOf(made.flat(), performance.now());
}

async function send({ url, direct, subject, data }: Stream, call: Call): Promise<void> {
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': call.id,
    'ce-source': CALL.source,
    'ce-type': CALL.type,
    'ce-subject': subject,
    'content-type': 'application/json',
    ...(call.signature ? { 'ce-kauth': call.signature } : {}),
  };
  const body = JSON.stringify(data);
  for (let time = 1; time <= SEND_TIMES; time += 1) {
    const status = await post(url, headers, body).catch(() => 0);
    if (status >= 200 && status < 300) {
      call.sent = true;
      if (direct) {
        call.outcomes.push({ kind: 'parser.complete', id: call.id, at: performance.now(), succeeded: true });
      }
      return;
    }
    await sleep(SEND_AGAIN_MILLISECONDS);
  }
}

async function post(url: string, headers: Record<string, string>, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request(url, { method: 'POST', agent, headers }, (response) => {
      response.on('end', () => resolve(response.statusCode ?? 0)).on('error', reject);
      response.resume();
    });
    call.on('error', reject).end(body);
  });
}

function reportOf({ plan, calls: made, done }: { plan: Plan; calls: Call[][]; done: boolean }): Report {
  const streams = done ? plan.streams.map(({ name }, index) => streamReport(name, made[index] ?? [])) : [];
  return { done, sent: made.flat().filter(({ sent }) => sent).length, streams };
}

function streamReport(name: string, made: Call[]): StreamReport {
  const ended = made.flatMap(({ id, at, outcomes }) => (outcomes[0] ? [{ id, at, first: outcomes[0], outcomes }] : []));
  const complete = ended.filter(({ first }) => first.kind === 'parser.complete');
  const contradicts = ({ outcomes }: { outcomes: Call['outcomes'] }) =>
    new Set(outcomes.map(({ kind, id }) => (kind === 'parser.complete' ? `${kind} ${id}` : kind))).size > 1;
  return {
    name,
    sent: made.filter(({ sent }) => sent).length,
    complete: complete.length,
    failed: complete.filter(({ first }) => !first.succeeded).length,
    rejected: ended.length - complete.length,
    completed: complete.map(({ id }) => id),
    unanswered: made.filter(({ outcomes }) => outcomes.length === 0).map(({ id }) => id),
    contradicted: ended.filter(contradicts).map(({ id }) => id),
    latencies: ended.map(({ at, first }) => first.at - at),
    took: Math.max(0, ...ended.map(({ first }) => first.at)) - Math.min(...made.map(({ at }) => at)),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: whatever was sent.
function read(body: string): any {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

async function text(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

if (process.env['CALLER'] === 'serve') {
  process.on('SIGTERM', () => process.exit(0));
  await startCaller({ subscriber: 8080, suite: 8081 });
}
