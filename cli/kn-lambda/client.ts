/** The API of the gateway, by HTTP: every request of the command goes through here, and every error is told here. */
import type * as z from 'zod';
import { problemDocumentSchema } from '#shared/api/schemas.ts';
import { Failure } from './failure.ts';
import { networkFailure } from './network-failure.ts';
import { asGiven, type Given } from './render/as-given.ts';
import { ndjson, type SentEvent, sentEvents } from './streams.ts';

export interface Connection {
  server: string;
  /** Where the address came from, for messages. */
  origin: 'laptop' | 'cluster' | 'given' | 'login';
  token: () => Promise<string | undefined>;
  /** In every request. */
  headers?: Record<string, string>;
  /** By which options, for the commands that are printed. */
  given?: Given;
}

export type Query = Record<string, string | number | boolean | undefined>;

export interface Asked {
  query?: Query;
  signal?: AbortSignal | undefined;
}

export interface Api {
  server: string;
  /** A command as it must be pasted, to mean the same platform. */
  asGiven(command: string): string;
  get<T>(path: string, schema: z.ZodType<T>, asked?: Asked): Promise<T>;
  /** Page after page, until `most` items are there. */
  list<T>(path: string, item: z.ZodType<T>, asked?: Asked & { most?: number }): Promise<T[]>;
  post<T>(path: string, body: unknown, schema: z.ZodType<T>, asked?: Asked): Promise<T>;
  /** One item a line. Resolves when the server has begun to answer. */
  lines<T>(path: string, asked?: Asked): Promise<AsyncIterable<T>>;
  /** Server-sent events. Resolves when nothing that happens from now on is missed. */
  events(path: string, asked?: Asked & { lastEventId?: string | undefined }): Promise<AsyncIterable<SentEvent>>;
  /** Sends a CloudEvent to the platform. The answer says the id that it has from now on, where the gateway took it. */
  send(event: OutgoingEvent, signal?: AbortSignal): Promise<{ id: string }>;
  /** A file to the place that was handed out for it. */
  upload(
    to: { method: string; url: string; headers: Record<string, string> },
    body: Buffer<ArrayBuffer>,
    signal?: AbortSignal,
  ): Promise<void>;
}

export interface OutgoingEvent {
  id: string;
  type: string;
  subject?: string;
  extensions?: Record<string, string>;
  contentType?: string;
  data: Buffer<ArrayBuffer> | string;
}

/** A function that wakes up, or a Broker that restarts. */
const WAITS_MS = [300, 1000, 2500];
const PASSING = new Set([502, 503, 504]);
/** Of every event that the command sends. */
export const SOURCE = 'kn-lambda';

export function createApi(
  { server, origin, token, headers: always = {}, given = {} }: Connection,
  fetchFrom: typeof fetch = fetch,
): Api {
  async function ask(path: string, init: RequestInit & { query?: Query | undefined }): Promise<Response> {
    const { query, ...rest } = init;
    const url = addressOf(server, path, query);
    const bearer = await token();
    const headers = new Headers({ ...always, ...(rest.headers as Record<string, string> | undefined) });
    if (bearer !== undefined) {
      headers.set('authorization', `Bearer ${bearer}`);
    }
    // A redirect would take the token to somebody else.
    const response = await patiently(() => fetchFrom(url, { ...rest, headers, redirect: 'manual' }), rest.signal);
    if (response.ok) {
      return response;
    }
    throw await refused(response, { server, path, hasToken: bearer !== undefined });
  }

  async function patiently(request: () => Promise<Response>, signal?: AbortSignal | null): Promise<Response> {
    for (let attempt = 0; ; attempt++) {
      const wait = WAITS_MS[attempt];
      try {
        const response = await request();
        if (!PASSING.has(response.status) || wait === undefined) {
          return response;
        }
        await response.body?.cancel();
      } catch (error) {
        signal?.throwIfAborted();
        const failure = networkFailure(error, { server, origin });
        if (!failure.mayPass || wait === undefined) {
          throw failure.failure;
        }
      }
      await pause(wait, signal);
    }
  }

  async function checked<T>(response: Response, schema: z.ZodType<T>): Promise<T> {
    const type = response.headers.get('content-type') ?? '';
    if (!type.includes('json')) {
      await response.body?.cancel();
      throw noApi(server, `it answers ${type || 'without a content type'}`);
    }
    const value: unknown = await response.json();
    const result = schema.safeParse(value);
    if (!result.success) {
      const [issue] = result.error.issues;
      throw new Failure(`the answer of ${server} is not understood: ${issue?.path.join('.')} ${issue?.message}`, {
        next: 'The command and the platform may be of different versions: kn-lambda version shows both.',
      });
    }
    // As it came: fields that this version does not know belong into --output json as well.
    return value as T;
  }

  return {
    server,
    asGiven: (command) => asGiven(command, given),
    get: async (path, schema, { query, signal } = {}) => checked(await ask(path, { query, ...only(signal) }), schema),
    list: async (path, item, { query, signal, most = 1000 } = {}) => {
      const { pageOf } = await import('#shared/api/schemas.ts');
      const items = [];
      let cursor: string | undefined;
      do {
        const limit = Math.min(200, most - items.length);
        const response = await ask(path, { query: { ...query, limit, cursor }, ...only(signal) });
        const page = await checked(response, pageOf(item));
        items.push(...page.items);
        cursor = page.next_cursor;
      } while (cursor !== undefined && items.length < most);
      return items as never;
    },
    post: async (path, body, schema, { query, signal } = {}) => {
      const headers = { 'content-type': 'application/json' };
      return checked(
        await ask(path, { method: 'POST', body: JSON.stringify(body), headers, query, ...only(signal) }),
        schema,
      );
    },
    lines: async <T>(path: string, { query, signal }: Asked = {}) => {
      const headers = { accept: 'application/x-ndjson' };
      const { body } = await ask(path, { query, headers, ...only(signal) });
      return ndjson<T>(body);
    },
    events: async (path, { query, signal, lastEventId } = {}) => {
      const headers = {
        accept: 'text/event-stream',
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      };
      const { body } = await ask(path, { query, headers, ...only(signal) });
      return sentEvents(body);
    },
    send: async ({ id, type, subject, extensions = {}, contentType = 'application/json', data }, signal) => {
      const headers = {
        'content-type': contentType,
        'ce-specversion': '1.0',
        'ce-id': id,
        'ce-source': SOURCE,
        'ce-type': type,
        'ce-time': new Date().toISOString(),
        ...(subject === undefined ? {} : { 'ce-subject': subject }),
        ...Object.fromEntries(Object.entries(extensions).map(([name, value]) => [`ce-${name}`, value])),
      };
      const response = await ask('/', { method: 'POST', headers, body: data, ...only(signal) });
      const answer = (await response.json().catch(() => ({}))) as { id?: string };
      return { id: answer.id ?? id };
    },
    upload: async ({ method, url, headers }, body, signal) => {
      const response = await patiently(() => fetchFrom(url, { method, headers, body, ...only(signal) }), signal);
      const text = await response.text();
      if (!response.ok) {
        throw new Failure(`${new URL(url).host} did not take a file: HTTP ${response.status} ${firstWords(text)}`, {
          next: 'Deploy again: what is there already is not sent again.',
        });
      }
    },
  };
}

function addressOf(server: string, path: string, query: Query = {}): URL {
  const url = new URL(server.replace(/\/+$/, '') + path);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) {
      url.searchParams.set(name, String(value));
    }
  }
  return url;
}

/** A problem that the platform tells, in its own words, with the next step where they have none. */
async function refused(
  response: Response,
  { server, path, hasToken }: { server: string; path: string; hasToken: boolean },
): Promise<Failure> {
  const text = await response.text().catch(() => '');
  const problem = problemIn(text);
  const { status } = response;
  if (status === 401) {
    return new Failure(
      hasToken
        ? `${server} does not accept the token: ${problem?.detail ?? 'it says no more'}`
        : `${server} wants to know who you are`,
      { next: 'Give a token that counts: kn-lambda login --server URL, --token, or KN_LAMBDA_TOKEN.' },
    );
  }
  if (problem === undefined) {
    return status >= 500
      ? new Failure(`${server} answers HTTP ${status} ${firstWords(text)}`, {
          next: 'If it stays so, let the operator look: kn-lambda doctor, and the log of the function gateway.',
        })
      : noApi(server, `it answers HTTP ${status}`);
  }
  if (status === 404) {
    return nothingThere(path, server);
  }
  const seconds = response.headers.get('retry-after');
  const next = status === 429 && seconds !== null ? { next: `Try again in ${seconds} s.` } : {};
  return new Failure(`${problem.reason}: ${problem.detail}`, { ...next, reason: problem.reason });
}

/** What one may not see does not exist, so both are one sentence. The API cannot know what the person typed. */
function nothingThere(path: string, server: string): Failure {
  const [collection, tenant, name, id] = path.replace('/api/v1/', '').split('/').map(decodeURIComponent);
  const named = `${tenant}/${name}`;
  if (collection === 'functions') {
    return new Failure(`there is no function ${named}, or you may not see it`, {
      next: 'kn-lambda list shows those that there are; --tenant names another tenant.',
    });
  }
  if (collection === 'builds') {
    return new Failure(`there is no build ${id} of ${named} that is still known, or you may not see it`, {
      next: `kn-lambda describe ${named} shows its last builds.`,
    });
  }
  return collection === 'dead-letters'
    ? new Failure(`there is no dead letter ${tenant}`, { next: 'kn-lambda dead-letters list --all shows them.' })
    : new Failure(`${server} does not know ${path}`, {
        next: 'The platform may be older than the command: kn-lambda version shows both.',
      });
}

function noApi(server: string, what: string): Failure {
  return new Failure(`${server} is no Knative Lambda that speaks the API: ${what}`, {
    next: 'Name the address of the gateway, or of the platform of make run: --server URL.',
  });
}

function problemIn(text: string): { reason: string; detail: string } | undefined {
  try {
    return problemDocumentSchema.partial({ type: true, title: true, status: true }).safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function firstWords(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 200);
}

/** `signal: undefined` is not the same as none, for exactOptionalPropertyTypes. */
function only(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

export function pause(milliseconds: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) {
      stop();
    }
    signal?.addEventListener('abort', stop, { once: true });
  });
}
