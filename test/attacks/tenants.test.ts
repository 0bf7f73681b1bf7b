/**
 * Two tenants and functions that mean harm. Nothing of the other tenant is read, changed, told or called. Runs where
 * every event must be signed: on the laptop's platform of platform.ts, and on a cluster that is deployed so.
 */
import { createHash, createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { answering, answeringAsTold } from '#test/contract/sources.ts';
import { pause, until } from '#test/contract/until.ts';
import { type RecordedEvent, World } from '#test/contract/world.ts';

const { tokens = { acme: '', mallory: '', operator: '' }, eventKey } = inject('platform');
const SECRET = 'only-acme-may-see-this';

let world: World;
let victim: Identity;
let odd: Identity;
let baseImage: string;

/** Deployed by its own tenant, through the gateway. */
async function deployed(identity: Identity, token: string, files: Record<string, string | Buffer>): Promise<Identity> {
  await world.upload(identity, files);
  expect((await world.sendAs(token, { type: 'build.start', data: identity })).status).toBe(202);
  await world.seen('lifecycle.function.ready', identity, undefined, 120);
  return identity;
}

async function answerOf(identity: Identity, token: string, data: unknown = {}): Promise<RecordedEvent> {
  const { status, json } = await world.sendAs(token, { type: 'parser.start', subject: subjectOf(identity), data });
  expect(status).toBe(202);
  return await world.seen('parser.complete', identity, ({ causationid }) => causationid === json['id'], 120);
}

async function expectUntouched(): Promise<void> {
  const { data } = await answerOf(victim, tokens.acme);
  expect(data).toMatchObject({ succeeded: true, result: { answer: SECRET } });
  expect(world.of('lifecycle.function.deleted', victim)).toEqual([]);
}

async function rejected(id: string): Promise<RecordedEvent> {
  return await until(
    `event.rejected of ${id}`,
    () => world.events.find((event) => event.type === 'event.rejected' && event.data.event.id === id),
    60,
  );
}

describe.skipIf(tokens.acme === '')('where every event must be signed', () => {
  beforeAll(async () => {
    world = await new World().open();
    baseImage = (await world.config())['BASE_IMAGE_NODE'] ?? '';
    victim = world.lastingParser('payroll', 'acme');
    odd = world.lastingParser('odd', 'mallory');
    await Promise.all([
      deployed(victim, tokens.acme, answering(SECRET)),
      deployed(odd, tokens.mallory, answeringAsTold(baseImage)),
    ]);
  }, 600_000);
  afterAll(async () => world.close());

  describe('the API', () => {
    const NOTHING = JSON.stringify({ items: [] });
    const never = { third_party_id: 'acme', parser_id: 'never-was' };
    const at = ({ third_party_id, parser_id }: Identity) => `${third_party_id}/${parser_id}`;
    const ask = (path: string, body?: unknown) =>
      world.api(path, { token: tokens.mallory, ...(body === undefined ? {} : { body }) });

    test('wants a token', async () => {
      expect((await world.api('/functions')).status).toBe(401);
      expect((await world.api(`/functions/${at(victim)}`)).status).toBe(401);
    });

    test("answers about another's function as about one that never was, whatever is asked", async () => {
      const { json } = await world.api('/openapi.json', { token: tokens.mallory });
      const paths = Object.keys(json.paths).filter((path) => path.includes('{third_party_id}'));
      expect(paths.length).toBeGreaterThan(5);
      for (const path of paths) {
        const about = (one: Identity) =>
          path
            .replace('/api/v1', '')
            .replace('{third_party_id}/{parser_id}', at(one))
            .replace('{correlation_id}', 'any');
        const body = path.includes('/uploads/')
          ? { files: [{ path: 'parser.mjs', size: 1, sha256: '0'.repeat(64) }] }
          : undefined;
        const [real, unreal] = await Promise.all([ask(about(victim), body), ask(about(never), body)]);
        expect([path, real.status, real.text]).toEqual([path, 404, unreal.text]);
      }
    });

    test('lists nothing of others, by no filter', async () => {
      for (const list of ['functions', 'builds', 'dead-letters', 'events', 'explain', 'me', 'doctor']) {
        const { status, text } = await ask(`/${list}`);
        expect(status).toBe(200);
        expect(text).not.toContain(victim.parser_id);
        expect(text).not.toContain(SECRET);
      }
      for (const list of ['functions', 'builds', 'dead-letters']) {
        expect((await ask(`/${list}?third_party_id=acme`)).text).toBe(NOTHING);
        expect((await ask(`/${list}?third_party_id=acme&parser_id=${victim.parser_id}`)).text).toBe(NOTHING);
      }
      expect((await ask(`/functions?search=${victim.parser_id}`)).text).toBe(NOTHING);
      const why = `/explain?about=function&third_party_id=acme&parser_id=${victim.parser_id}`;
      expect((await ask(why)).text).toBe((await ask(why.replace(victim.parser_id, never.parser_id))).text);
    });

    test("streams nothing of others' events", async () => {
      await answerOf(victim, tokens.acme);
      await pause(2);
      expect((await ask('/events?third_party_id=acme')).text).toBe('');
      expect((await ask('/events')).text).not.toContain(victim.parser_id);
    });

    test.each([
      ['/functions/acme%2Fx/y', 404],
      [`/functions/mallory/..%2F..%2Facme`, 404],
      ['/functions?limit=-1', 400],
      ['/functions?limit=1e9', 400],
      ['/functions?cursor=%00', 400],
      [`/builds?cursor=${Buffer.from('../../acme/').toString('base64url')}`, 200],
      ['/builds/mallory/p/%2e%2e%2f%2e%2e%2facme', 404],
      ['/dead-letters/..%2f..%2fx', 404],
      ['/explain?about=letter&id=../../../etc', 200],
      ['/events?third_party_id=__proto__', 200],
      ['/functions/__proto__/constructor', 404],
      ['/%ff', 404],
    ])('makes nothing of %s', async (path, status) => {
      const answer = await ask(path);
      expect([path, answer.status]).toEqual([path, status]);
      expect(answer.text).not.toContain(victim.parser_id);
    });

    test('lets nobody out of their own folder', async () => {
      for (const path of ['../payroll/parser.mjs', '/x', 'a/../../x', 'a//b', 'a/./b']) {
        const { status } = await ask('/uploads/mallory/odd', { files: [{ path, size: 1, sha256: '0'.repeat(64) }] });
        expect([path, status]).toEqual([path, 400]);
      }
      const { json } = await ask('/uploads/mallory/odd', { files: [{ path: 'ok', size: 1, sha256: '0'.repeat(64) }] });
      expect(json.prefix).toContain('/mallory/');
      expect(new URL(json.uploads[0].url).pathname).toContain('/mallory/');
    });

    test('cannot be made to write by its other methods', async () => {
      const event = { type: 'service.delete', data: victim };
      expect((await world.sendAs(tokens.mallory, event)).status).toBe(403);
      await expectUntouched();
    });
  });

  describe('S1: the sources of others', () => {
    test.each([
      ['of everybody', () => 'global/parser/'],
      ['of all', () => 'global/'],
      ['of another', () => world.prefixOf(victim)],
      ['of another, by a name that begins the same', () => 'global/parser/m'],
      ['of another, around a corner', () => `global/parser/mallory/../${victim.third_party_id}/`],
    ])('%s are not built', async (_, s3_prefix) => {
      const identity = world.parser('wide', 'mallory');
      const data = { ...identity, s3_prefix: s3_prefix() };
      const { status } = await world.sendAs(tokens.mallory, { type: 'build.start', data });
      expect([400, 403]).toContain(status);
      expect(await world.jobs(identity)).toEqual([]);
    });

    test("nor by another's parser_id alone: it is a place of one's own", async () => {
      const identity = { third_party_id: 'mallory', parser_id: victim.parser_id };
      await world.sendAs(tokens.mallory, { type: 'build.start', data: identity });
      const { data } = await world.seen('build.complete', identity);
      expect(data).toMatchObject({ status: 'failed', reason: 'NoSource' });
      expect(await world.jobs(identity)).toEqual([]);
    });
  });

  describe("S2, S4: another's function", () => {
    const events = () => [
      { type: 'build.start', data: { ...victim, s3_prefix: world.prefixOf(odd) } },
      { type: 'build.start', data: { ...victim, parameters: { env: { EVIL: '1' } } } },
      { type: 'build.start', subject: subjectOf(victim), data: {} },
      { type: 'service.delete', data: victim },
      { type: 'service.delete', subject: subjectOf(victim), data: {} },
      { type: 'parser.start', subject: subjectOf(victim), data: {} },
    ];

    test.each([0, 1, 2, 3, 4, 5])('is not changed, deleted or called by order %d', async (n) => {
      const event = events()[n];
      const { status, json } = await world.sendAs(tokens.mallory, event as never);
      expect([status, json['reason']]).toEqual([403, 'Forbidden']);
      await expectUntouched();
    });

    test('nor are dead letters purged or replayed', async () => {
      for (const type of ['dead-letter.purge', 'dead-letter.replay']) {
        const { status } = await world.sendAs(tokens.mallory, { type, data: { all: true } });
        expect(status).toBe(403);
      }
    });

    test.each(['', 'x', `${tokens.acme.slice(0, -8)}AAAAAAAA`])('nor by a token that does not count', async (token) => {
      const { status } = await world.sendAs(token, { type: 'service.delete', data: victim });
      expect(status).toBe(401);
    });
  });

  describe('S4: past the gateway, to the Broker', () => {
    const orders = () => [
      { type: 'build.start', data: { ...victim, force: true } },
      { type: 'job.start', subject: subjectOf(victim), data: { ...victim, build_key: 'x' } },
      { type: 'service.delete', data: victim },
      { type: 'parser.start', subject: subjectOf(victim), data: {} },
      { type: 'parser.deliver', subject: subjectOf(victim), data: {}, extensions: { deliverylane: 'overflow' } },
      { type: 'dead-letter.purge', data: { all: true } },
      { type: 'dead-letter.replay', data: { all: true, force: true } },
    ];

    test.each([0, 1, 2, 3, 4, 5, 6])('order %d is rejected without a signature, and kept', async (n) => {
      const event = orders()[n];
      const id = `unsigned-${n}-${world.platform.run}`;
      const answersBefore = world.of('parser.complete', victim).length;
      await world.sendUnsigned({ ...(event as { type: string }), id });
      expect((await rejected(id)).data.reason).toBe('Unauthenticated');
      const [letter] = await until('its letter', async () => {
        const found = await world.deadLetters(id);
        return found.length > 0 ? found : undefined;
      });
      expect(letter).toMatchObject({ reason: 'Unauthenticated', event: { id } });
      expect(letter).not.toHaveProperty('signed');
      expect(world.of('parser.complete', victim).length).toBe(answersBefore);
      await expectUntouched();
    });

    test.each([
      ['signed by another key', () => forge({ key: Buffer.alloc(32, 7) })],
      ['whose time is over', () => forge({ expires: 1000 })],
      ['signed for another tenant', () => forge({ tenant: 'mallory' })],
      ['that has come too far', () => forge({ hops: 99 })],
    ])('an event %s is rejected', async (_, make) => {
      const { event, id } = make();
      await world.sendUnsigned(event);
      expect((await rejected(id)).data.reason).toMatch(/^(Unauthenticated|TooManyHops)$/);
      await expectUntouched();
    });

    test('an event that was signed is rejected with one byte changed', async () => {
      const { event, id } = forge({ type: 'parser.start' });
      await world.sendUnsigned({ ...event, type: 'service.delete' });
      expect((await rejected(id)).data.reason).toBe('Unauthenticated');
      await expectUntouched();
    });

    test('an invented end of a build is not believed, and tells nobody that it failed', async () => {
      const job = 'no-such-job';
      const data = { ...victim, status: 'failed', reason: 'BuildFailed', error_message: 'invented', job_name: job };
      await world.sendUnsigned({ type: 'build.complete', subject: subjectOf(victim), data });
      await pause(3);
      expect(world.of('lifecycle.build.failed', victim)).toEqual([]);
      await expectUntouched();
    });

    test('an invented change of a Service tells no address of the sender', async () => {
      const [service] = await world.services(victim);
      const invented = {
        ...service,
        status: {
          ...service?.status,
          observedGeneration: 99,
          url: 'http://evil.example',
          address: { url: 'http://evil.example' },
        },
        metadata: { ...service?.metadata, generation: 99 },
      };
      await world.sendUnsigned({
        type: 'dev.knative.apiserver.resource.update',
        source: 'https://kubernetes',
        subject: `/apis/serving.knative.dev/v1/namespaces/${world.platform.namespace}/services/${service?.metadata?.name}`,
        data: invented,
        extensions: { kind: 'Service', name: service?.metadata?.name ?? '', namespace: world.platform.namespace },
      });
      await pause(3);
      expect(JSON.stringify(world.of('lifecycle.function.ready', victim))).not.toContain('evil.example');
    });

    test('a refusal that is invented is no way around: its replay is not signed', async () => {
      const id = `laundered-${world.platform.run}`;
      const inner = {
        specversion: '1.0',
        id,
        source: 's',
        type: 'service.delete',
        subject: subjectOf(victim),
        data: victim,
      };
      await world.sendUnsigned({ type: 'event.rejected', data: { event: inner, reason: 'Forbidden', problems: [] } });
      const letter = await until('its letter', async () => (await world.deadLetters(id))[0]);
      const order = { ids: [letter['id']], force: true };
      expect((await world.sendAs(tokens.operator, { type: 'dead-letter.replay', data: order })).status).toBe(202);
      await until('the replay to be rejected', async () => {
        const letters = await world.deadLetters(id);
        return letters.some(({ reason }) => reason === 'Unauthenticated') || undefined;
      });
      await expectUntouched();
    });
  });

  describe('past the Broker, to the functions', () => {
    test.each([
      ['service-delete', 'service.delete'],
      ['build-start', 'build.start'],
      ['parser-events', 'parser.start'],
      ['dead-letter-replay', 'dead-letter.purge'],
    ])('%s rejects %s', async (service, type) => {
      const data = type.startsWith('dead-letter') ? { all: true } : victim;
      const answer = await world.call(service, { type, subject: subjectOf(victim), data });
      expect(answer.headers['ce-type']).toBe('event.rejected');
      expect(JSON.parse(answer.body)).toMatchObject({ reason: 'Unauthenticated' });
      await expectUntouched();
    });
  });

  describe("S3, S7: a hostile function's answer", () => {
    test.each(['service.delete', 'build.start', 'parser.start', 'dead-letter.purge', 'build.complete'])(
      'that says it is %s is the answer of its own call, and nothing else',
      async (type) => {
        const headers = {
          'ce-specversion': '1.0',
          'ce-id': `reply-${type}-${world.platform.run}`,
          'ce-source': 'knative-lambda',
          'ce-type': type,
          'ce-subject': subjectOf(victim),
          'content-type': 'application/json',
        };
        const { data, subject } = await answerOf(odd, tokens.mallory, {
          answer: { headers, body: JSON.stringify(victim) },
        });
        expect(subject).toBe(subjectOf(odd));
        expect(data.succeeded).toBe(false);
        expect(data.error.type).toBe('BadReply');
        await pause(1);
        expect(world.events.filter(({ id }) => id === headers['ce-id'])).toEqual([]);
        await expectUntouched();
      },
    );

    test('what it is called with is nothing that it could use again', async () => {
      const echo = world.parser('echo', 'mallory');
      await deployed(echo, tokens.mallory, {
        'index.mjs': `import { createServer } from 'node:http';
createServer(async (request, response) => {
  await Array.fromAsync(request);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(request.headers));
}).listen(Number(process.env.PORT));`,
        Dockerfile: `FROM ${baseImage}\nCOPY index.mjs .\nUSER 65532:65532\nCMD ["node", "index.mjs"]\n`,
      });
      const { data } = await answerOf(echo, tokens.mallory);
      expect(Object.keys(data.result)).toContain('ce-id');
      expect(JSON.stringify(data.result)).not.toContain(tokens.mallory);
      expect(Object.keys(data.result)).not.toContain('ce-kauth');
      expect(Object.keys(data.result)).not.toContain('authorization');
    });

    test('more than the bounds is refused', async () => {
      const big = world.parser('big', 'mallory');
      const parameters = {
        resources: { limits: { cpu: '1000', memory: '1000Gi' } },
        scaling: { min: 1000, max: 1000 },
      };
      const { json } = await world.sendAs(tokens.mallory, { type: 'build.start', data: { ...big, parameters } });
      expect((await rejected(String(json['id']))).data.reason).toBe('InvalidEvent');
      expect(await world.jobs(big)).toEqual([]);
    });
  });

  test('S5: the ids of two tenants never meet', async () => {
    const [mine, theirs] = [world.parser('same', 'acme'), world.parser('same', 'mallory')];
    const id = `one-id-${world.platform.run}`;
    await world.upload(mine, answering('acme'));
    expect((await world.sendAs(tokens.mallory, { type: 'build.start', id, source: 'one', data: theirs })).status).toBe(
      202,
    );
    await world.seen('build.complete', theirs);
    expect((await world.sendAs(tokens.acme, { type: 'build.start', id, source: 'one', data: mine })).status).toBe(202);
    expect((await world.seen('build.complete', mine, undefined, 120)).data.status).toBe('success');
  });

  test('S6: a call of a function that does not exist is told', async () => {
    const subject = `mallory/nobody-${world.platform.run}`;
    const { json } = await world.sendAs(tokens.mallory, { type: 'parser.start', subject, data: {} });
    expect((await rejected(String(json['id']))).data.reason).toBe('NoSuchFunction');
  });

  test("the key stands in no event, letter or object of anybody's", async () => {
    const secret = eventKey?.split(':')[1] ?? 'missing';
    expect(JSON.stringify(world.events)).not.toContain(secret);
    const services = JSON.stringify([...(await world.services(victim)), ...(await world.services(odd))]);
    expect(services).not.toContain(secret);
    expect(services).not.toContain('knative-lambda-keys');
  });
});

interface Forged {
  type?: string;
  key?: Buffer;
  tenant?: string;
  hops?: number;
  expires?: number;
}

let forged = 0;

/** By the documented form of the signature, written anew: a mistake in the product's own code must not hide here. */
function forge({
  type = 'service.delete',
  key = Buffer.from(eventKey?.split(':')[1] ?? '', 'base64'),
  tenant = 'acme',
  hops = 0,
  expires = Math.floor(Date.now() / 1000) + 3600,
}: Forged) {
  forged += 1;
  const id = `forged-${forged}-${world.platform.run}`;
  const subject = subjectOf(victim);
  const keyId = eventKey?.split(':')[0] ?? '';
  const body = JSON.stringify(victim);
  const digest = createHash('sha256').update(body).digest('hex');
  const parts = [keyId, tenant, String(hops), String(expires), type, 'test', id, subject, digest];
  const mac = createHmac('sha256', key);
  for (const part of parts) {
    mac.update(`${Buffer.byteLength(part)}:${part}`);
  }
  const kauth = [keyId, tenant, hops, expires, mac.digest('base64url')].join('.');
  return { id, event: { type, id, source: 'test', subject, data: victim, extensions: { kauth } } };
}
