/** From a source in S3 to job.start, or to an answer at once. */
import { describe, expect, test } from 'vitest';
import { buildStart } from '#functions/build-start/handler.ts';
import { terminalIdOfRequest } from '#shared/builds/terminal-event.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import type { JobStart } from '#shared/events/job-start.ts';
import { received } from '#test/fakes/received.ts';
import {
  ACME,
  buildStartDependencies,
  imageOf,
  REGISTRY,
  SOURCE_BUCKET,
  TEMPORARY_BUCKET,
  uploaded,
  World,
} from './world.ts';

const TERMINAL_ID = terminalIdOfRequest(received('build.start', {}));
const REQUEST = `requests/acme/p1/${TERMINAL_ID}.json`;

const BEGUN = expect.stringMatching(/^begun\/acme\/\d+\/[0-9a-f]{64}$/);

type Data = Partial<Parameters<typeof buildStart>[0]['data']>;

const start = (world: World, data: Data = {}, attributes: { id?: string; time?: string } = {}) =>
  buildStart(
    received('build.start', { ...ACME, priority: 5, force: false, parameters: {}, ...data }, attributes),
    buildStartDependencies(world),
  );

test('packs the source under the name of its content and asks for its build', async () => {
  const world = uploaded(new World());
  const reply = await start(world, { priority: 2, parameters: { env: { A: '1' } } });
  const data = reply.data as JobStart;
  expect(reply).toMatchObject({
    type: 'job.start',
    subject: 'acme/p1',
    data: {
      ...ACME,
      correlation_id: 'correlation-1',
      language: 'node',
      priority: 2,
      parameters: { env: { A: '1' } },
      context: { bucket: TEMPORARY_BUCKET, key: `contexts/acme/p1/${data.build_key}.tar.zst` },
      image: { repository: expect.stringMatching(`^${REGISTRY}/fn-p1-`), tag: data.build_key.slice(0, 40) },
    },
  });
  expect(world.store.keys(TEMPORARY_BUCKET)).toEqual([BEGUN, data.context.key, REQUEST]);
  expect(world.store.json(TEMPORARY_BUCKET, REQUEST)).toMatchObject({ event: { type: 'build.start', data: ACME } });
  expect(world.store.peek(TEMPORARY_BUCKET, data.context.key)?.length).toBe(data.context.bytes);
});

test('the same request again says the same, and leaves the same', async () => {
  const world = uploaded(new World());
  const first = await start(world);
  const before = world.state();
  expect(await start(world)).toEqual(first);
  expect(world.state()).toEqual(before);
});

describe('a source that has been built', () => {
  async function built(): Promise<World> {
    const world = uploaded(new World());
    const { fingerprint, build_key } = (await start(world)).data as JobStart;
    const data = {
      ...ACME,
      correlation_id: 'former',
      status: 'success',
      image_uri: imageOf(),
      observed_at: '2026-01-02T11:00:00.000Z',
      job_name: 'build-former',
    };
    const record = {
      ...ACME,
      fingerprint,
      build_key,
      image_uri: imageOf(),
      observed_at: '2026-01-02T11:00:00.000Z',
      started_at: '2026-01-02T11:00:05.000Z',
      completed_at: '2026-01-02T11:01:00.000Z',
      language: 'node',
      event: {
        id: 'former-end',
        source: 'knative-lambda',
        type: 'build.complete',
        subject: 'acme/p1',
        time: '2026-01-02T11:01:00.000Z',
        correlationid: 'former',
        causationid: 'former-ask',
        data,
      },
    };
    world.store.put(TEMPORARY_BUCKET, `builds/${fingerprint}.json`, JSON.stringify(record));
    return world;
  }

  test('is answered at once, without downloading a byte of it', async () => {
    const world = await built();
    world.store.calls.length = 0;
    const reply = await start(world, { parameters: { env: { COLOUR: 'blue' } } }, { time: '2026-01-02T11:30:00.000Z' });
    expect(reply).toMatchObject({
      type: 'build.complete',
      data: {
        ...ACME,
        status: 'success',
        cached: true,
        image_uri: imageOf(),
        parameters: { env: { COLOUR: 'blue' } },
        observed_at: expect.stringMatching(/^2026-01-02T12:00:00/),
      },
    });
    expect(reply.id).toBe(TERMINAL_ID);
    expect(world.store.calls.map((call) => call.split(' ')[0]).sort()).toEqual([
      'create',
      'list',
      'read',
      'read',
      'write',
    ]);
  });

  test.each([
    { case: 'sent while it was built', time: '2026-01-02T11:00:30.000Z', data: {}, shared: true },
    { case: 'sent just before its Job began', time: '2026-01-02T10:59:59.000Z', data: {}, shared: true },
    { case: 'sent after its end', time: '2026-01-02T11:01:01.000Z', data: {}, shared: false },
    { case: 'sent long before', time: '2026-01-02T10:00:00.000Z', data: {}, shared: false },
    { case: 'without a time', time: '0001-01-01T00:00:00Z', data: {}, shared: false },
    {
      case: 'sent meanwhile with other settings',
      time: '2026-01-02T11:00:30.000Z',
      data: { parameters: { env: { A: '1' } } },
      shared: false,
    },
  ])('a request $case: shares its end $shared', async ({ time, data, shared }) => {
    const world = await built();
    const reply = await start(world, data, { time });
    expect([reply.id, (reply.data as BuildComplete).cached]).toEqual(
      shared ? ['former-end', false] : [TERMINAL_ID, true],
    );
    expect(reply.correlationId).toBe(shared ? 'former' : undefined);
    // A shared end has been told: nobody would ever take the request away.
    expect(world.store.keys(TEMPORARY_BUCKET, 'requests/')).toEqual(shared ? [] : [REQUEST]);
  });

  test('is built again where the request forces', async () => {
    expect(await start(await built(), { force: true })).toMatchObject({ type: 'job.start', data: { force: true } });
  });

  test('is built again where its record can’t be read', async () => {
    const world = await built();
    const [key = ''] = world.store.keys(TEMPORARY_BUCKET, 'builds/');
    world.store.put(TEMPORARY_BUCKET, key, '{"broken":');
    expect(await start(world)).toMatchObject({ type: 'job.start' });
  });

  test('is built anew once a file has changed', async () => {
    const world = await built();
    world.store.put(SOURCE_BUCKET, 'global/parser/p1/parser.mjs', 'export const handler = () => 2;\n');
    expect(await start(world)).toMatchObject({ type: 'job.start' });
  });
});

test.each([
  { case: 'nothing uploaded', files: {}, reason: 'NoSource' },
  { case: 'no language', files: { 'notes.txt': 'hello' }, reason: 'UnknownLanguage' },
])('$case: one explicit failure', async ({ files, reason }) => {
  const world = uploaded(new World(), files);
  expect(await start(world)).toMatchObject({
    type: 'build.complete',
    id: TERMINAL_ID,
    subject: 'acme/p1',
    data: { ...ACME, status: 'failed', reason, error_message: expect.any(String), correlation_id: 'correlation-1' },
  });
  expect(world.store.keys(TEMPORARY_BUCKET)).toEqual([`answers/acme/p1/${TERMINAL_ID}.json`, REQUEST]);
});

test('what can’t be kept is not answered: it could be lost', async () => {
  const world = uploaded(new World());
  world.store.failNext('write', new PermanentError('Forbidden', 'no'));
  await expect(start(world)).rejects.toBeInstanceOf(RetryableError);
});

test('a bucket that nobody has allowed is refused before it is looked into', async () => {
  const world = uploaded(new World());
  expect(await start(world, { s3_bucket: TEMPORARY_BUCKET })).toMatchObject({
    type: 'event.rejected',
    data: { reason: 'InvalidEvent', problems: [{ path: 'data.s3_bucket' }] },
  });
  expect(world.store.calls).toEqual([]);
});

test('another prefix is taken where the request names one', async () => {
  const world = new World();
  world.store.put(SOURCE_BUCKET, 'elsewhere/parser.mjs', 'export const handler = () => 1;\n');
  expect(await start(world, { s3_prefix: 'elsewhere/' })).toMatchObject({ type: 'job.start' });
});

test('S3 being down is for the broker to retry', async () => {
  const world = uploaded(new World());
  world.store.failNext('read', new RetryableError('Unavailable', 'down'));
  await expect(start(world)).rejects.toThrow('down');
});
