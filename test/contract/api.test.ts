/** The API, as a client uses it: a folder becomes a function, and everything about it can be read. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import * as schemas from '#shared/api/schemas.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { answering, slowToBuild } from './sources.ts';
import { until } from './until.ts';
import { World } from './world.ts';

const token = inject('platform').tokens?.operator;
const FAILING =
  'export async function handler(event) {\n  console.log("told to fail");\n  throw new TypeError("no luck");\n}\n';

let world: World;
let identity: Identity;
let correlationId: string;

const ask = async (path: string, body?: unknown) =>
  await world.api(path, { ...(body === undefined ? {} : { body }), ...(token ? { token } : {}) });
const at = ({ third_party_id, parser_id }: Identity) => `${third_party_id}/${parser_id}`;

function announced(files: Record<string, string>) {
  return Object.entries(files).map(([path, text]) => ({
    path,
    size: Buffer.byteLength(text),
    sha256: createHash('sha256').update(text).digest('hex'),
  }));
}

async function upload(files: Record<string, string>): Promise<{ plan: schemas.UploadPlan; removed: string[] }> {
  const plan = schemas.uploadPlanSchema.parse(
    (await ask(`/uploads/${at(identity)}`, { files: announced(files) })).json,
  );
  for (const one of plan.uploads) {
    expect(await world.putSigned(one, files[one.path] ?? '')).toBe(200);
  }
  const done = await ask(`/uploads/${at(identity)}/finish`, { files: announced(files) });
  return { plan, removed: schemas.uploadDoneSchema.parse(done.json).removed };
}

beforeAll(async () => {
  world = await new World().open();
  identity = world.lastingParser('read', 'acme');
  correlationId = `build of ${identity.parser_id}`;
  await upload({ 'parser.mjs': FAILING, 'left.txt': 'to be removed' });
  const { removed, plan } = await upload({ 'parser.mjs': FAILING });
  expect({ removed, unchanged: plan.unchanged }).toEqual({ removed: ['left.txt'], unchanged: ['parser.mjs'] });
  await world.send({ type: 'build.start', data: { ...identity, correlation_id: correlationId } });
  await world.seen('lifecycle.function.ready', identity, undefined, 120);
}, 300_000);
afterAll(async () => world.close());

test('an address takes the announced content alone', async () => {
  const other = { ...identity, parser_id: `${identity.parser_id}-x` };
  const { json } = await ask(`/uploads/${at(other)}`, { files: announced({ 'a.js': 'right' }) });
  const [one] = schemas.uploadPlanSchema.parse(json).uploads;
  expect(await world.putSigned(one ?? { url: '', headers: {} }, 'wrong')).toBeGreaterThanOrEqual(400);
  const finish = await ask(`/uploads/${at(other)}/finish`, { files: announced({ 'a.js': 'right' }) });
  expect(finish.json).toMatchObject({ status: 409, reason: 'UploadIncomplete' });
});

test('the function, its versions, and the list', async () => {
  const detail = await until('the function to be ready', async () => {
    const { json } = await ask(`/functions/${at(identity)}`);
    return json?.state === 'ready' ? schemas.functionDetailSchema.parse(json) : undefined;
  });
  expect(detail).toMatchObject({ ...identity, language: 'node', delivery: expect.any(String) });
  expect(detail.versions).toHaveLength(1);
  expect(detail.versions[0]).toMatchObject({ ready: true, traffic_percent: 100 });
  const page = schemas
    .pageOf(schemas.functionSchema)
    .parse((await ask(`/functions?third_party_id=acme&search=${identity.parser_id}`)).json);
  expect(page.items.map(at)).toEqual([at(identity)]);
});

test('its build: listed, with a timeline, phases and what to think of it', async () => {
  const path = `/builds/${at(identity)}/${encodeURIComponent(correlationId)}`;
  const detail = await until('the build to be recorded', async () => {
    const { json } = await ask(path);
    return json?.timeline?.some(({ event }: schemas.TimelineEntry) => event?.type === 'lifecycle.function.ready')
      ? schemas.buildDetailSchema.parse(json)
      : undefined;
  });
  const types = detail.timeline.map(({ event }) => event?.type);
  expect(types[0]).toBe('build.start');
  expect(types).toEqual(expect.arrayContaining(['build.complete', 'lifecycle.build.completed']));
  expect(detail).toMatchObject({ status: 'success', explanation: { healthy: true } });
  expect(detail.phases.length).toBeGreaterThan(1);
  const { items } = (await ask(`/builds?third_party_id=acme&parser_id=${identity.parser_id}`)).json;
  expect(items).toMatchObject([{ ...identity, correlation_id: correlationId, status: 'success', path: detail.path }]);
  const timeline = await ask(`/timeline/${at(identity)}/${encodeURIComponent(correlationId)}`);
  expect(timeline.json.items).toHaveLength(detail.timeline.length);
});

describe('a call that fails', () => {
  let id: string;
  beforeAll(async () => {
    id = `call-of-${identity.parser_id}`;
    await world.send({ type: 'parser.start', id, subject: subjectOf(identity), data: {} });
    await world.seen('parser.complete', identity, ({ causationid }) => causationid === id);
  });

  test('is kept, and explained', async () => {
    const { items } = await until('the call to be recorded', async () => {
      const { json } = await ask(`/functions/${at(identity)}/calls?failed=1`);
      return json?.items?.length > 0 ? schemas.pageOf(schemas.callSchema).parse(json) : undefined;
    });
    expect(items).toMatchObject([{ id, succeeded: false, error: { type: 'TypeError', message: 'no luck' } }]);
    const query = `third_party_id=${identity.third_party_id}&parser_id=${identity.parser_id}`;
    const why = schemas.explanationSchema.parse((await ask(`/explain?about=call&${query}&id=${id}`)).json);
    expect(why).toMatchObject({ healthy: false, cause: expect.stringContaining('TypeError: no luck') });
    expect((await ask(`/explain?about=function&${query}`)).json.cause).toContain('no luck');
  });

  test('passes by in the feed', async () => {
    await until('the build and the call to pass', async () => {
      const { text } = await ask(`/events?third_party_id=acme&parser_id=${identity.parser_id}`);
      const lines = text.split('\n').filter(Boolean);
      const types = lines.map((line) => schemas.eventLineSchema.parse(JSON.parse(line)).type);
      return types.includes('build.start') && types.includes('parser.complete');
    });
  });

  test('has left lines in the log', async () => {
    await world.send({ type: 'parser.start', subject: subjectOf(identity), data: {} });
    await until('the line', async () => {
      const { text } = await ask(`/functions/${at(identity)}/logs?since=5m`);
      return text.split('\n').some((line) => line !== '' && JSON.parse(line).text.includes('told to fail'));
    });
  });
});

test('the log of a build can be read while it runs', async () => {
  const slow = world.parser('slow');
  const chain = `build of ${slow.parser_id}`;
  await world.upload(slow, slowToBuild('never', 600));
  await world.send({ type: 'build.start', data: { ...slow, correlation_id: chain } });
  await world.seen('lifecycle.build.started', slow);
  await until(
    'the line of the step that runs',
    async () => {
      const { text } = await ask(`/builds/${at(slow)}/${encodeURIComponent(chain)}/log`);
      return text.split('\n').some((line) => line !== '' && /npm/.test(JSON.parse(line).text));
    },
    120,
  );
  expect(world.of('build.complete', slow)).toEqual([]);
  await world.send({ type: 'service.delete', data: slow });
  await world.seen('build.complete', slow);
});

test('what was deleted is gone, and why is told', async () => {
  const gone = world.parser('gone');
  await world.upload(gone, answering('briefly'));
  await world.send({ type: 'build.start', data: gone });
  await world.seen('lifecycle.function.ready', gone, undefined, 120);
  await world.send({ type: 'service.delete', data: gone });
  await world.seen('lifecycle.function.deleted', gone);
  await until('the function to be gone', async () => (await ask(`/functions/${at(gone)}`)).status === 404);
  const query = `third_party_id=${gone.third_party_id}&parser_id=${gone.parser_id}`;
  expect((await ask(`/explain?about=function&${query}`)).json).toMatchObject({
    healthy: false,
    cause: expect.stringContaining('was deleted'),
  });
});

test('the description is answered, and every list it names', async () => {
  const { json } = await ask('/openapi.json');
  const lists = Object.entries<Record<string, unknown>>(json.paths).filter(
    ([path, methods]) => methods['get'] && !path.includes('{'),
  );
  expect(lists.length).toBeGreaterThan(5);
  for (const [path] of lists) {
    expect([path, (await ask(path.replace('/api/v1', ''))).status]).toEqual([path, 200]);
  }
});
