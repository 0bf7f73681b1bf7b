/** The API with data of the test's own, and the page beside it: for what a platform cannot be made to show. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { servePage } from '#functions/gateway/page.ts';
import type {
  Build,
  BuildDetail,
  Call,
  Check,
  EventLine,
  Explanation,
  FunctionDetail,
  FunctionMetrics,
  FunctionSummary,
  Letter,
  LogLine,
  Me,
} from '#shared/api/schemas.ts';

export interface FakeData {
  me: Me;
  functions: FunctionSummary[];
  details: Record<string, FunctionDetail>;
  builds: Build[];
  buildDetails: Record<string, BuildDetail>;
  logs: Record<string, LogLine[]>;
  calls: Record<string, Call[]>;
  metrics: Record<string, FunctionMetrics>;
  letters: Letter[];
  checks: Check[];
  now: Explanation;
  events: EventLine[];
}

export interface FakeApi {
  url: string;
  data: FakeData;
  /** Events that the page has posted. */
  posted: { headers: IncomingMessage['headers']; data: unknown }[];
  /** Files that the page has uploaded: path → text. */
  uploaded: Map<string, string>;
  /** To every open stream. */
  emit(event: EventLine): void;
  /** Ends every open stream, as a gateway does that scales to zero. */
  breakStreams(): void;
  /** Only this token is taken; undefined: none is asked for. */
  token: string | undefined;
  close(): Promise<void>;
}

export async function startFakeApi(data: FakeData): Promise<FakeApi> {
  const streams = new Set<ServerResponse>();
  const page = servePage({ uploadOrigins: [] });
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fake: FakeApi = {
    url,
    data,
    posted: [],
    uploaded: new Map(),
    token: undefined,
    emit(event) {
      data.events.push(event);
      for (const stream of streams) {
        stream.write(serverEvent(event));
      }
    },
    breakStreams() {
      for (const stream of streams) {
        stream.destroy();
      }
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', url);
    const body = await text(request);
    const isPage = request.method === 'GET' && !pathname.startsWith('/api/');
    if (isPage) {
      const { statusCode, headers, body: file } = page(pathname, request.headers);
      response.writeHead(statusCode, headers).end(file);
      return;
    }
    if (fake.token !== undefined && request.headers.authorization !== `Bearer ${fake.token}`) {
      problem(response, 401, 'Unauthenticated', 'send a token: Authorization: Bearer …');
      return;
    }
    if (request.method === 'PUT') {
      fake.uploaded.set(decodeURIComponent(pathname.replace('/api/v1/put/', '')), body);
      response.writeHead(200).end();
      return;
    }
    if (pathname === '/') {
      fake.posted.push({ headers: request.headers, data: JSON.parse(body) });
      response.writeHead(202).end();
      return;
    }
    const path = pathname.slice('/api/v1/'.length).split('/').map(decodeURIComponent);
    if (path[0] === 'uploads') {
      upload(response, path, JSON.parse(body));
      return;
    }
    if (path[0] === 'events') {
      events(request, response);
      return;
    }
    read(response, path, query);
  }

  function read(response: ServerResponse, [kind, ...names]: string[], query: URLSearchParams): void {
    const key = names.slice(0, 3).join('/');
    const last = names.at(-1);
    const answers: Record<string, () => unknown> = {
      me: () => data.me,
      doctor: () => ({ checks: data.checks }),
      explain: () => data.now,
      'dead-letters': () => paged(data.letters, query),
      timeline: () => ({ items: data.buildDetails[key]?.timeline ?? [] }),
      functions: () => {
        if (names.length === 0) {
          return paged(
            data.functions.filter((item) => fits(item, query)),
            query,
          );
        }
        const identity = names.slice(0, 2).join('/');
        if (last === 'logs') {
          return lines(data.logs[identity] ?? []);
        }
        if (last === 'metrics' && names.length === 3) {
          return data.metrics[identity];
        }
        return last === 'calls' && names.length === 3
          ? paged(data.calls[identity] ?? [], query)
          : data.details[identity];
      },
      builds: () => {
        if (names.length === 0) {
          return paged(
            data.builds.filter((item) => fits(item, query)),
            query,
          );
        }
        return last === 'log' ? lines(data.logs[key] ?? []) : data.buildDetails[key];
      },
    };
    const answered = answers[kind ?? '']?.();
    if (answered === undefined) {
      problem(response, 404, 'NotFound', 'there is no such thing');
    } else if (typeof answered === 'string') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(answered);
      if (kind === 'builds') {
        response.end();
      } else {
        streams.add(response);
        response.once('close', () => streams.delete(response));
      }
    } else {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answered));
    }
  }

  function events(request: IncomingMessage, response: ServerResponse): void {
    if (!request.headers.accept?.includes('text/event-stream')) {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.end(
        data.events
          .slice(-200)
          .map((event) => `${JSON.stringify(event)}\n`)
          .join(''),
      );
      return;
    }
    const after = data.events.findIndex(({ cursor }) => cursor === request.headers['last-event-id']);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': open\n\n');
    response.write(
      data.events
        .slice(after + 1)
        .map(serverEvent)
        .join(''),
    );
    streams.add(response);
    response.once('close', () => streams.delete(response));
  }

  function upload(response: ServerResponse, path: string[], { files }: { files: { path: string }[] }): void {
    const prefix = `${path[1]}/${path[2]}/`;
    const headers = { 'content-type': 'application/octet-stream' };
    const uploads = files.map((file) => ({
      path: file.path,
      method: 'PUT',
      url: `${url}/api/v1/put/${encodeURIComponent(prefix + file.path)}`,
      headers,
    }));
    const plan = path[3] === 'finish' ? { prefix, removed: [] } : { prefix, unchanged: [], uploads, remove: [] };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(plan));
  }
}

function fits(item: FunctionSummary | Build, query: URLSearchParams): boolean {
  const state: string = 'state' in item ? item.state : item.status;
  const wanted = query.get('state') ?? query.get('status');
  return (
    [null, item.third_party_id].includes(query.get('third_party_id')) &&
    [null, item.parser_id].includes(query.get('parser_id')) &&
    [null, state].includes(wanted) &&
    `${item.third_party_id}/${item.parser_id}`.includes(query.get('search') ?? '')
  );
}

function paged<Item>(items: Item[], query: URLSearchParams): { items: Item[]; next_cursor?: string } {
  const from = Number(query.get('cursor') ?? 0);
  const to = from + Number(query.get('limit') ?? 50);
  return { items: items.slice(from, to), ...(to < items.length ? { next_cursor: String(to) } : {}) };
}

function lines(of: LogLine[]): string {
  return of.map((line, index) => `id: ${index}\ndata: ${JSON.stringify(line)}\n\n`).join('') || ': nothing yet\n\n';
}

function serverEvent(event: EventLine): string {
  return `id: ${event.cursor}\ndata: ${JSON.stringify(event)}\n\n`;
}

function problem(response: ServerResponse, status: number, reason: string, detail: string): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ type: 'about:blank', title: reason, status, reason, detail }));
}
