/** What the API answers, to whom. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OPERATIONS } from '#functions/gateway/api/table.ts';
import { VERSION } from '#functions/gateway/version.ts';
import * as schemas from '#shared/api/schemas.ts';
import { indexKey } from '#shared/history/build-index.ts';
import { type ApiWorld, IMAGE, openApiWorld, TEMPORARY } from './api-world.ts';

let world: ApiWorld;
beforeAll(async () => {
  world = await openApiWorld();
  for (const [tenant, parser] of [
    ['acme', 'a1'],
    ['acme', 'a2'],
    ['mallory', 'm1'],
  ] as const) {
    await world.deploy(tenant, parser, parser !== 'a2');
  }
  for (const [at, parser_id, tenant] of [
    ['2026-11-02T00:00:01.000Z', 'a1', 'acme'],
    ['2026-11-02T00:00:02.000Z', 'a2', 'acme'],
    ['2026-11-02T00:00:03.000Z', 'a1', 'acme'],
    ['2026-11-02T00:00:04.000Z', 'm1', 'mallory'],
  ] as const) {
    const build = { third_party_id: tenant, parser_id, correlation_id: `c ${at}`, completed_at: at, duration_ms: 1500 };
    world.store.put(TEMPORARY, indexKey({ ...build, status: 'failed', reason: 'NoSource' }), '');
  }
  for (const [id, subject] of [
    ['1'.repeat(32), 'acme/a1'],
    ['2'.repeat(32), 'mallory/m1'],
    ['3'.repeat(32), undefined],
  ] as const) {
    const letter = {
      id,
      subject,
      event: { type: 'build.start' },
      category: 'permanent',
      reason: 'NotFound',
      message: 'm',
    };
    world.store.put(
      TEMPORARY,
      `dead-letters/2026-11-02/${id}.json`,
      JSON.stringify({ ...letter, last_at: '2026-11-02T00:00:00Z' }),
    );
  }
});
afterAll(() => world.running.close());

const ids = (items: { third_party_id: string; parser_id: string }[]) =>
  items.map(({ third_party_id, parser_id }) => `${third_party_id}/${parser_id}`);

test('the version is that of the package', () => {
  expect(VERSION).toBe(JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')).version);
});

describe('who asks', () => {
  test('is told what they are', async () => {
    const { json } = await world.get('/me');
    expect(schemas.meSchema.parse(json)).toMatchObject({
      principal: 'acme',
      operator: false,
      third_party_ids: ['acme'],
    });
  });

  test('without a token gets 401, with one of nobody 403', async () => {
    expect((await world.get('/me', '')).status).toBe(401);
    expect((await world.get('/me', 'who.ever')).status).toBe(403);
  });

  test("cannot tell what is another's from what never was", async () => {
    const others = [
      '/functions/mallory/m1',
      '/functions/acme/never',
      '/functions/no%2Fid/x',
      '/nothing',
      `/dead-letters/${'2'.repeat(32)}`,
      `/dead-letters/${'9'.repeat(32)}`,
      '/functions/mallory/m1/versions',
    ];
    const answers = await Promise.all(others.map((path) => world.get(path)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.json).toMatchObject({ status: 404, reason: 'NoSuchResource' });
    const upload = await world.post('/uploads/mallory/m1', { files: [{ path: 'a', size: 1, sha256: 'a'.repeat(64) }] });
    expect(upload.text).toBe(answers[0]?.text);
  });
});

describe('functions', () => {
  test("are one's own, and all for an operator", async () => {
    expect(ids((await world.get('/functions')).json.items)).toEqual(['acme/a1', 'acme/a2']);
    expect(ids((await world.get('/functions?third_party_id=mallory')).json.items)).toEqual([]);
    expect(ids((await world.get('/functions', 'ops.root')).json.items)).toEqual(['acme/a1', 'acme/a2', 'mallory/m1']);
  });

  test('in pages, by state and by a part of the name', async () => {
    const first = (await world.get('/functions?limit=1')).json;
    expect(ids(first.items)).toEqual(['acme/a1']);
    const second = (await world.get(`/functions?limit=1&cursor=${first.next_cursor}`)).json;
    expect(ids(second.items)).toEqual(['acme/a2']);
    expect(second.next_cursor).toBeUndefined();
    expect(ids((await world.get('/functions?state=failed')).json.items)).toEqual(['acme/a2']);
    expect(ids((await world.get('/functions?search=CME/A1')).json.items)).toEqual(['acme/a1']);
    expect((await world.get('/functions?cursor=*')).json).toMatchObject({ status: 400, reason: 'InvalidRequest' });
    expect((await world.get('/functions?limit=9999')).status).toBe(400);
  });

  test('as the schemas say, with what is wrong', async () => {
    const { json, headers } = await world.get('/functions');
    const { items } = schemas.pageOf(schemas.functionSchema).parse(json);
    expect(items[0]).toMatchObject({ state: 'ready', image_uri: IMAGE, language: 'node', delivery: 'shared' });
    expect(items[1]).toMatchObject({ state: 'failed', message: 'Container failed with: no such module' });
    const again = await world.get('/functions', undefined, { 'if-none-match': headers.get('etag') ?? '' });
    expect(again.status).toBe(304);
    expect(headers.get('cache-control')).toBe('private, no-cache');
  });

  test('one with its settings, versions and builds', async () => {
    const detail = schemas.functionDetailSchema.parse((await world.get('/functions/acme/a1')).json);
    expect(detail.settings).toMatchObject({
      env: [{ name: 'COLOUR', value: 'blue' }],
      secrets: [{ name: 'db', key: 'password', env: 'PASSWORD' }],
      timeout_seconds: 20,
    });
    expect(detail.versions).toMatchObject([{ image_uri: IMAGE, traffic_percent: 100 }]);
    expect(detail.builds.map(({ completed_at }) => completed_at)).toEqual([
      '2026-11-02T00:00:03.000Z',
      '2026-11-02T00:00:01.000Z',
    ]);
    expect((await world.get('/functions/acme/a1/versions')).json.items).toEqual(detail.versions);
  });
});

describe('builds', () => {
  test('newest first, in pages, of one function', async () => {
    const first = schemas.pageOf(schemas.buildSchema).parse((await world.get('/builds?limit=2')).json);
    expect(ids(first.items)).toEqual(['acme/a1', 'acme/a2']);
    expect(first.items[0]).toMatchObject({
      correlation_id: 'c 2026-11-02T00:00:03.000Z',
      status: 'failed',
      reason: 'NoSource',
      started_at: '2026-11-02T00:00:01.500Z',
      duration_ms: 1500,
    });
    expect(ids((await world.get(`/builds?limit=2&cursor=${first.next_cursor}`)).json.items)).toEqual(['acme/a1']);
    expect(ids((await world.get('/builds?parser_id=a2')).json.items)).toEqual(['acme/a2']);
    expect(ids((await world.get('/builds?status=success')).json.items)).toEqual([]);
  });

  test('of all tenants, in one order', async () => {
    const { items } = (await world.get('/builds', 'ops.root')).json;
    expect(ids(items)).toEqual(['mallory/m1', 'acme/a1', 'acme/a2', 'acme/a1']);
  });
});

test("dead letters: one's own, and for operators those of nobody too", async () => {
  const own = schemas.pageOf(schemas.letterSchema).parse((await world.get('/dead-letters')).json);
  expect(own.items).toMatchObject([{ id: '1'.repeat(32), reason: 'NotFound', state: 'open', advice: 'm' }]);
  expect((await world.get('/dead-letters', 'ops.root')).json.items).toHaveLength(3);
  expect((await world.get(`/dead-letters/${'1'.repeat(32)}`)).json).toEqual({
    ...own.items[0],
    event: { type: 'build.start' },
  });
});

test('the description names every operation and resolves', async () => {
  const { json } = await world.get('/openapi.json');
  expect(json.openapi).toBe('3.1.0');
  const described = Object.entries(json.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.sort()).toEqual(OPERATIONS.map(({ method, path }) => `${method} /api/v1${path}`).sort());
  const references = [...JSON.stringify(json).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
    ([, name]) => name,
  );
  expect(references.length).toBeGreaterThan(10);
  expect(references.filter((name) => !(String(name) in json.components.schemas))).toEqual([]);
});

test('doctor: the installation for operators, their own functions for tenants', async () => {
  const all = schemas.doctorSchema.parse((await world.get('/doctor', 'ops.root')).json).checks;
  expect(new Set(all.map(({ group }) => group))).toEqual(
    new Set(['cluster', 'builds', 'storage', 'security', 'functions']),
  );
  const of = (checks: typeof all, name: string) => checks.find((check) => check.name === name);
  expect(of(all, 'conditional-writes')?.status).toBe('ok');
  expect(of(all, 'brokers')?.status).toBe('unknown');
  expect(of(all, 'functions-of-ours')?.status).toBe('failed');
  expect(world.store.keys(TEMPORARY, 'doctor/')).toEqual([]);

  const own = schemas.doctorSchema.parse((await world.get('/doctor')).json).checks;
  expect(new Set(own.map(({ group }) => group))).toEqual(new Set(['functions']));
  expect(of(own, 'functions-start')?.message).toContain('acme/a2');
  expect(JSON.stringify((await world.get('/doctor', 'mallory.ci')).json)).not.toContain('acme');
  expect((await world.get('/doctor?third_party_id=mallory')).status).toBe(404);
});

test('doctor: sweep, the registry and the settings are looked at', async () => {
  const named = async (name: string) =>
    schemas.doctorSchema.parse((await world.get('/doctor', 'ops.root')).json).checks.find((one) => one.name === name);
  expect(await named('sweep-runs')).toMatchObject({ status: 'failed', message: 'sweep has never been done' });
  world.store.put(TEMPORARY, 'sweep/last', '');
  expect(await named('sweep-runs')).toMatchObject({ status: 'ok' });
  expect(await named('images-there')).toMatchObject({ status: 'ok' });
  expect(await named('registry')).toMatchObject({ status: 'ok' });
  const build = { third_party_id: 'acme', parser_id: 'a1', correlation_id: 'pushed' };
  const completed_at = '2026-12-30T00:00:00.000Z';
  const refused = { ...build, completed_at, duration_ms: 1, status: 'failed' as const, reason: 'ImagePushFailed' };
  world.store.put(TEMPORARY, indexKey(refused), '');
  expect(await named('registry')).toMatchObject({
    status: 'failed',
    next: { command: 'kn-lambda explain build acme/a1' },
  });
  await world.store.remove(TEMPORARY, [indexKey(refused)]);
});
