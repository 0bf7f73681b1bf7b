/** A platform as the command sees one: the API by HTTP, from memory, each answer as slow or wrong as a test wants. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EventLine, FunctionDetail, LogLine, UploadRequest } from '#shared/api/schemas.ts';

export interface Sent {
  type: string;
  id: string;
  subject: string | undefined;
  correlationId: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => unknown;

export class Stub {
  readonly #server = createServer((request, response) => {
    void this.#answer(request, response);
  });
  readonly #streams = new Set<ServerResponse>();
  #cursor = 0;
  url = '';
  /** What is asked for, in order: method and path. */
  readonly asked: string[] = [];
  readonly sent: Sent[] = [];
  readonly files = new Map<string, string>();
  readonly functions = new Map<string, FunctionDetail>();
  logs: LogLine[] = [];
  /** Before everything else: `GET /api/v1/me`. */
  readonly answers = new Map<string, Answer>();
  onEvent: (event: Sent) => unknown = () => {};
  /** Only this one counts, where there is one. */
  token: string | undefined;

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** To every open stream, as the answer to what was sent. */
  emit(cause: Sent, type: string, data: unknown): void {
    const [third_party_id = '', parser_id = ''] = cause.subject?.split('/') ?? [];
    this.#cursor += 1;
    const line: EventLine = {
      cursor: String(this.#cursor),
      time: '2026-11-27T10:00:00.000Z',
      type,
      source: 'knative-lambda',
      id: String(this.#cursor),
      third_party_id,
      parser_id,
      correlation_id: cause.correlationId,
      causation_id: cause.id,
      data,
    };
    for (const stream of this.#streams) {
      stream.write(`id: ${line.cursor}\ndata: ${JSON.stringify(line)}\n\n`);
    }
  }

  /** As a gateway that falls asleep. */
  endStreams(): void {
    for (const stream of this.#streams) {
      stream.end();
    }
    this.#streams.clear();
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    const what = `${request.method} ${pathname}`;
    this.asked.push(what);
    let body = '';
    for await (const chunk of request) {
      body += String(chunk);
    }
    const own = this.answers.get(what);
    if (own) {
      await own(request, response, body);
    } else if (
      this.token !== undefined &&
      !what.startsWith('PUT') &&
      request.headers.authorization !== `Bearer ${this.token}`
    ) {
      problem(response, 401, 'Unauthenticated', 'the token is expired');
    } else {
      this.#usual(what, { request, response, body, query: searchParams });
    }
  }

  #usual(
    what: string,
    {
      request,
      response,
      body,
      query,
    }: { request: IncomingMessage; response: ServerResponse; body: string; query: URLSearchParams },
  ): void {
    const [, , , , collection = '', tenant = '', name = '', more = ''] = `/${what.replace(' ', '')}`.split('/');
    const path = `${collection}${more === '' ? '' : `/${more}`}`;
    const found = this.functions.get(`${tenant}/${name}`);
    const logs = this.logs.filter(({ call }) => !query.has('call') || call === query.get('call'));
    const usual: Record<string, () => void> = {
      'GET /api/v1/me': () => json(response, ME),
      'GET /api/v1/functions': () => json(response, { items: [...this.functions.values()] }),
      'GET /api/v1/builds': () => json(response, { items: [] }),
      'GET /api/v1/events': () => this.#stream(request, response),
      'POST /': () => this.#take(request, response, body),
      uploads: () => this.#plan(response, JSON.parse(body), tenant, name),
      'uploads/finish': () => json(response, { prefix: `${tenant}/${name}/`, removed: [] }),
      'functions/logs': () => lines(response, logs),
      ...(found && {
        functions: () => json(response, found),
        'functions/versions': () => json(response, { items: found.versions }),
      }),
    };
    const answer = usual[what] ?? usual[path];
    if (request.method === 'PUT') {
      this.files.set(what.slice('PUT /bucket/'.length), body);
      response.writeHead(200).end();
    } else if (answer) {
      answer();
    } else {
      problem(response, 404, 'NotFound', 'there is nothing of that name');
    }
  }

  #plan(response: ServerResponse, { files }: UploadRequest, tenant: string, name: string): void {
    const prefix = `${tenant}/${name}/`;
    const isThere = ({ path, sha256 }: UploadRequest['files'][number]): boolean =>
      createHash('sha256')
        .update(this.files.get(prefix + path) ?? '')
        .digest('hex') === sha256;
    json(response, {
      prefix,
      unchanged: files.filter(isThere).map(({ path }) => path),
      uploads: files
        .filter((file) => !isThere(file))
        .map(({ path }) => ({ path, method: 'PUT', url: `${this.url}/bucket/${prefix}${path}`, headers: {} })),
      remove: [],
    });
  }

  #stream(request: IncomingMessage, response: ServerResponse): void {
    if (!request.headers.accept?.includes('event-stream')) {
      lines(response, []);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': open\n\n');
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
  }

  #take(request: IncomingMessage, response: ServerResponse, body: string): void {
    const header = (name: string): string => String(request.headers[name] ?? '');
    const event: Sent = {
      type: header('ce-type'),
      id: header('ce-id'),
      subject: header('ce-subject') || undefined,
      correlationId: header('ce-correlationid'),
      headers: request.headers,
      body,
    };
    this.sent.push(event);
    json(response, { id: event.id, correlation_id: event.correlationId }, 202);
    setTimeout(() => this.onEvent(event), 5);
  }
}

const ME = {
  principal: 'anybody',
  operator: true,
  third_party_ids: [],
  authentication: 'off',
  version: '0.1.0',
  platform: 'laptop',
  namespace: 'knative-lambda-local',
};

export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

export function lines(response: ServerResponse, values: unknown[]): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.end(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
}

export function problem(response: ServerResponse, status: number, reason: string, detail: string): void {
  const document = { type: 'about:blank', title: reason, status, reason, detail };
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(document));
}

export const IMAGE = `registry.local/demo/hello@sha256:${'ab'.repeat(32)}`;

export function aFunction(fields: Partial<FunctionDetail> = {}): FunctionDetail {
  return {
    third_party_id: 'demo',
    parser_id: 'hello',
    state: 'ready',
    service_name: 'fn-hello-12345678',
    url: 'http://fn-hello.local',
    revision: 'fn-hello-12345678-00002',
    image_uri: IMAGE,
    language: 'node',
    delivery: 'shared',
    pods: 0,
    created_at: '2026-11-27T09:00:00Z',
    settings: { env: [], secrets: [], scaling: {}, resources: {} },
    conditions: [],
    versions: [],
    builds: [],
    ...fields,
  };
}

/** Builds and deploys what it is asked to, in the order in which a platform tells it. */
export function builds(
  stub: Stub,
  result: 'ready' | { reason: string; error_message: string } = 'ready',
): Stub['onEvent'] {
  return (event) => {
    if (event.type !== 'build.start') {
      return;
    }
    stub.emit(event, 'build.start', {});
    stub.emit(event, 'job.start', {});
    stub.emit(event, 'lifecycle.build.started', { state: 'started', job_name: 'build-hello-1' });
    if (result !== 'ready') {
      stub.emit(event, 'build.complete', { status: 'failed', ...result });
      return;
    }
    stub.functions.set('demo/hello', aFunction());
    stub.emit(event, 'build.complete', { status: 'success', image_uri: IMAGE, job_name: 'build-hello-1' });
    stub.emit(event, 'lifecycle.function.ready', { image_uri: IMAGE, revision: 'fn-hello-12345678-00002' });
  };
}
