/**
 * The API of the gateway, by its own description: whatever is asked, it is answered as the description says, and nobody
 * learns anything of another tenant, not even that it is there.
 */
import { Agent, request } from 'node:http';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { REASONS } from '#shared/events/reasons.ts';
import { type Area, quick } from '#test/fuzz/area.ts';
import { hostileText, hostileValue } from '#test/fuzz/hostile.ts';
import { openVictimWorld, SECRET, type VictimWorld } from '#test/fuzz/victim-world.ts';

interface Parameter {
  name: string;
  in: 'path' | 'query';
  schema: { enum?: string[]; type?: string };
}

interface Described {
  parameters: Parameter[];
  requestBody?: unknown;
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

interface Operation extends Described {
  method: string;
  path: string;
}

/** A place in a list, before it becomes a cursor. */
interface Cursor {
  place: string;
}

interface Asked {
  operation: Operation;
  method: string;
  params: Record<string, string>;
  query: [string, string | Cursor][];
  headers: Record<string, string>;
  body: unknown;
}

interface Answer {
  status: number;
  type: string;
  text: string;
}

/** Uploads of the asking tenant are kept: a new world from time to time. */
const WORLD_LASTS = 300;
/** What streams have said by then is looked at. In milliseconds. */
const STREAMS_FOR = 25;

/**
 * Names of the other tenant's things, and of things that never were. They are neighbours in every order, so that a
 * cursor means the same.
 */
const TWINS: [string, string][] = [
  ['mallory', 'mallorz'],
  ['hidden1', 'hidden8'],
  ['hidden2', 'hidden9'],
  ['7'.repeat(32), `${'7'.repeat(31)}8`],
];
const IDS = ['acme', 'a1', 'chain-a1', 'c1', '1'.repeat(32), ...TWINS.flat()];

const id = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...IDS, 'chain-hidden1', 'call-hidden1', 'mallory/hidden1') },
  hostileText,
);
/** Most often one that leads somewhere. */
const USUAL: Record<string, string[]> = {
  third_party_id: ['acme', 'acme', 'mallory'],
  parser_id: ['a1', 'a1', 'hidden1', 'hidden2'],
  correlation_id: ['chain-a1', 'chain-a1', 'chain-hidden1', 'chain-hidden2'],
  id: ['1'.repeat(32), '7'.repeat(32), 'call-a1', 'call-hidden1', 'chain-a1', 'chain-hidden1'],
  since: ['5m', '2026-11-01T00:00:00Z'],
};
const named = (name: string) => {
  const usual = USUAL[name];
  return usual ? fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: id }) : id;
};
const cursor = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(id, id).map(([a, b]): Cursor => ({ place: `${a}/${b}` })) },
  { weight: 1, arbitrary: hostileText.map((place): Cursor => ({ place })) },
  { weight: 1, arbitrary: hostileText },
);

function textFor({ name, schema }: Parameter): fc.Arbitrary<string | Cursor> {
  const values = JSON.stringify(schema).match(/"enum":(\[[^\]]*\])/)?.[1];
  const known = values === undefined ? [] : (JSON.parse(values) as string[]);
  if (name === 'cursor') {
    return cursor;
  }
  return fc.oneof(
    ...(known.length > 0 ? [{ weight: 6, arbitrary: fc.constantFrom(...known) }] : []),
    {
      weight: 4,
      arbitrary: name === 'limit' ? fc.constantFrom('1', '2', '200', '0', '-1', '1e2', '9'.repeat(30)) : named(name),
    },
    { weight: 1, arbitrary: fc.constantFrom('5m', '1', '2026-11-01T00:00:00Z', 'build.start') },
    { weight: 1, arbitrary: hostileText },
  );
}

const header = hostileText.map((text) => text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200));
const headers = fc.record(
  {
    authorization: fc.oneof(
      { weight: 1, arbitrary: fc.constantFrom('', 'Bearer', 'Bearer nobody.x', 'Basic YWNtZTphY21l') },
      { weight: 1, arbitrary: header },
    ),
    accept: fc.oneof(fc.constantFrom('text/event-stream', 'application/x-ndjson', '*/*'), header),
    'if-none-match': fc.oneof(fc.constantFrom('*', '"x"', 'W/"x"'), header),
    'last-event-id': fc.oneof(fc.constantFrom('1700000000000-00000000.0'), header),
    'content-type': fc.oneof(fc.constantFrom('application/json', 'text/plain', 'multipart/form-data'), header),
    'x-forwarded-for': header,
    origin: header,
  },
  { requiredKeys: [] },
);

const file = fc.record({
  path: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom('a.js', 'b/c.js', '../../mallory/hidden1/a.js', '/a.js') },
    { weight: 1, arbitrary: hostileText },
  ),
  size: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(0, 3) }, fc.constantFrom(1e9, -1, 1.5), hostileValue),
  sha256: fc.oneof({ weight: 5, arbitrary: fc.constant('a'.repeat(64)) }, hostileText),
});
const body = fc.oneof(
  { weight: 5, arbitrary: fc.record({ files: fc.array(file, { maxLength: 3 }) }) },
  { weight: 2, arbitrary: hostileValue },
);

function askedOf(operations: readonly Operation[]): fc.Arbitrary<Asked> {
  return fc.constantFrom(...operations).chain((operation) => {
    const [inPath, inQuery] = (['path', 'query'] as const).map((place) =>
      operation.parameters.filter((one) => one.in === place),
    );
    const pairs = (inQuery ?? []).map((one) =>
      textFor(one).map((value): [string, string | Cursor] => [one.name, value]),
    );
    const odd = fc.tuple(hostileText, hostileText);
    return fc.record({
      operation: fc.constant(operation),
      method: fc.oneof(
        { weight: 12, arbitrary: fc.constant(operation.method) },
        { weight: 1, arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS') },
      ),
      params: fc.record(Object.fromEntries((inPath ?? []).map(({ name }) => [name, named(name)]))),
      query: fc.array(pairs.length === 0 ? odd : fc.oneof({ weight: 8, arbitrary: fc.oneof(...pairs) }, odd), {
        maxLength: 4,
      }),
      headers: fc.oneof({ weight: 8, arbitrary: fc.constant({}) }, headers) as fc.Arbitrary<Record<string, string>>,
      body,
    });
  });
}

const agent = new Agent({ keepAlive: true });

async function ask(world: VictimWorld, asked: Asked): Promise<Answer> {
  const { operation, method, params, query } = asked;
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name) => encoded(params[name] ?? ''));
  const pairs = query.map(([name, value]) => {
    const text = typeof value === 'string' ? value : Buffer.from(value.place).toString('base64url');
    return `${encoded(name)}=${encoded(text)}`;
  });
  const url = new URL(`${world.url}${path}${pairs.length > 0 ? `?${pairs.join('&')}` : ''}`);
  const payload = operation.requestBody || method === 'POST' ? (JSON.stringify(asked.body) ?? '') : '';
  const sent = { authorization: 'Bearer acme.ci', 'content-type': 'application/json', ...asked.headers };
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  // Node would take dots out of a path that is given as a URL.
  const target = { host: url.hostname, port: url.port, path: url.href.slice(url.origin.length) };
  const outgoing = request({
    ...target,
    method,
    agent,
    headers: { ...sent, 'content-length': Buffer.byteLength(payload) },
  });
  outgoing.on('error', reject).end(payload);
  outgoing.on('response', (incoming) => {
    let text = '';
    const type = String(incoming.headers['content-type'] ?? '');
    const end = () => resolve({ status: incoming.statusCode ?? 0, type, text });
    const isStream = /event-stream|ndjson/.test(type);
    const timer = isStream
      ? setTimeout(() => {
          end();
          incoming.destroy();
        }, STREAMS_FOR)
      : undefined;
    incoming.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    const over = () => {
      clearTimeout(timer);
      end();
    };
    incoming.on('end', over).on('error', over);
  });
  return await promise;
}

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** The same about what never was. Undefined where it is not about the other tenant. */
function twinOf({ params, query, body: given, ...asked }: Asked): Asked | undefined {
  const text = JSON.stringify({ params, query, body: given ?? null, headers: asked.headers });
  const twin = TWINS.reduce((changed, [there, never]) => changed.replaceAll(there, never), text);
  return twin === text ? undefined : { ...asked, ...JSON.parse(twin) };
}

/** Both names of each pair as one, and without what differs from request to request. */
function blurred(text: string): string {
  return TWINS.reduce((changed, pair) => pair.reduce((all, name) => all.replaceAll(name, 'NAME'), changed), text)
    .replaceAll(/"trace_id":"[0-9a-f]+"/g, '')
    .replaceAll(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/\b\d+ (?:s|min|h) ago/g, 'AGO');
}

class Checks {
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false });
  readonly #schemas = new Map<object, ValidateFunction>();
  readonly operations: Operation[];

  constructor(description: { paths: Record<string, Record<string, Described>> }) {
    this.#ajv.addSchema(description, 'api');
    this.operations = Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, one]) => ({ ...one, method: method.toUpperCase(), path })),
    );
  }

  check(asked: Asked, { status, type, text }: Answer): void {
    const { operation, method } = asked;
    if (text.includes(SECRET)) {
      throw new Error(`told what is another tenant's: ${text.slice(0, 500)}`);
    }
    if (status >= 500 || status < 200) {
      throw new Error(`answered ${status}: ${text.slice(0, 500)}`);
    }
    if (status >= 400) {
      const { reason, detail } = this.#valid(operation, 'default', 'application/problem+json', type, text);
      if (!Object.hasOwn(REASONS, String(reason)) || String(detail).length < 10) {
        throw new Error(`says not enough: ${text.slice(0, 500)}`);
      }
      return;
    }
    if (status === 304 || method !== operation.method) {
      return;
    }
    const [media = ''] = type.split(';');
    if (media === 'application/x-ndjson') {
      for (const line of text.split('\n').slice(0, -1)) {
        this.#valid(operation, '200', media, type, line);
      }
    } else if (media !== 'text/event-stream') {
      this.#valid(operation, '200', media, type, text);
    }
  }

  #valid({ responses }: Operation, which: string, media: string, type: string, text: string): Record<string, unknown> {
    const schema = responses[which]?.content?.[media]?.schema;
    if (!type.startsWith(media) || schema === undefined) {
      throw new Error(`is of an undescribed type, ${type}: ${text.slice(0, 300)}`);
    }
    const known = this.#schemas.get(schema);
    const validate = known ?? this.#ajv.compile(absolute(schema));
    this.#schemas.set(schema, validate);
    const value = JSON.parse(text) as Record<string, unknown>;
    if (!validate(value)) {
      throw new Error(`is not as described: ${this.#ajv.errorsText(validate.errors)}: ${text.slice(0, 500)}`);
    }
    return value as Record<string, unknown>;
  }
}

function absolute(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components'));
}

export const api: Area = {
  name: 'api',
  share: 10,
  async start() {
    let world = await openVictimWorld();
    let used = 0;
    const description = await (
      await fetch(`${world.url}/api/v1/openapi.json`, { headers: { authorization: 'Bearer acme.ci' } })
    ).json();
    const checks = new Checks(description as never);
    const property = fc.asyncProperty(askedOf(checks.operations), async (asked) => {
      used += 1;
      if (used % WORLD_LASTS === 0) {
        await world.close();
        world = await openVictimWorld();
      }
      const answer = await quick(() => ask(world, asked));
      checks.check(asked, answer);
      const twin = twinOf(asked);
      if (twin) {
        const other = await ask(world, twin);
        const [first, second] = [answer, other].map(({ status, text }) => blurred(`${status} ${text}`));
        if (first !== second) {
          throw new Error(
            `lets guess what is there:\n${first?.slice(0, 600)}\nand of what never was:\n${second?.slice(0, 600)}`,
          );
        }
      }
    });
    return { property: property as never, close: () => world.close() };
  },
};
