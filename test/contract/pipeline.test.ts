/** From code in S3 to a function that answers. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Identity } from '#shared/events/identity.ts';
import { answering, example, TRANSFERS_OF_THE_EXAMPLE } from './sources.ts';
import { PATIENCE, until } from './until.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

describe.each(['node', 'python', 'go', 'rust'])('the %s example', (language) => {
  test.runIf(inject('platform').languages.includes(language))(
    'is built from S3, becomes Ready, and answers parser.start with the transfers of its event',
    {
      timeout: 900_000 * PATIENCE,
    },
    async () => {
      const identity = world.parser(language);
      const { files, event } = example(language);
      await world.upload(identity, files as never);

      // Nothing has to be installed for the Node example, so that no Job builds it. What the others need, an earlier
      // run of the suite may have left.
      const force = language !== 'node';
      const id = `${language}-${identity.parser_id}`;
      expect(await world.send({ type: 'build.start', id, data: { ...identity, force } })).toBe(202);

      const job = language === 'node' ? undefined : await jobOf(identity, language);
      const complete = await world.seen('build.complete', identity, undefined, 800);
      expect(complete.data).toMatchObject({ ...identity, status: 'success', cached: false });
      expect(complete.data.job_name).toBe(job?.started.data.job_name);
      expect(complete.data.image_uri).toMatch(/@sha256:[0-9a-f]{64}$/);
      const deployed = await world.seen('lifecycle.build.completed', identity);
      const ready = await world.seen('lifecycle.function.ready', identity, undefined, 120);
      expect(ready.data).toMatchObject({
        service_name: deployed.data.service_name,
        image_uri: complete.data.image_uri,
      });
      const chain = [...(job ? [job.start, job.started] : []), complete, deployed, ready];
      expect(new Set(chain.map((link) => link['correlationid']))).toEqual(
        new Set([`${language}-${identity.parser_id}`]),
      );

      await world.send({
        type: 'parser.start',
        subject: `${identity.third_party_id}/${identity.parser_id}`,
        data: event,
      });
      const answer = await world.seen('parser.complete', identity, undefined, 120);
      expect(answer.data).toMatchObject({ succeeded: true, context_id: '6f1c8e0a-3b57-4a5e-9d0e-2f4b7c9a1d33' });
      expect(answer.data.result).toEqual(TRANSFERS_OF_THE_EXAMPLE);

      const log = complete.data.log;
      expect(await until('the build log', () => world.read(log.bucket, log.key).catch(() => undefined))).toMatch(
        /push/i,
      );
    },
  );
});

async function jobOf(identity: Identity, language: string) {
  const start = await world.seen('job.start', identity);
  expect(start['causationid']).toBe(`${language}-${identity.parser_id}`);
  expect(start.data.language).toBe(language);
  const started = await world.seen('lifecycle.build.started', identity);
  expect(started.data).toMatchObject({ state: 'started', build_key: start.data.build_key });
  return { start, started };
}

test('one file of CommonJS, without a package.json, answers', async () => {
  const identity = world.parser('commonjs');
  await world.upload(identity, {
    'index.js': 'exports.handler = async (event) => ({ sum: event.data.a + event.data.b });\n',
  });
  await world.send({ type: 'build.start', data: identity });
  await world.seen('lifecycle.function.ready', identity);

  await world.send({
    type: 'parser.start',
    subject: `${identity.third_party_id}/${identity.parser_id}`,
    data: { a: 1, b: 2 },
  });

  const { data } = await world.seen('parser.complete', identity);
  expect(data).toMatchObject({ succeeded: true, result: { sum: 3 } });
});

// Where events must be signed, the gateway takes it: only binary mode has a signature.
test.skipIf(inject('platform').eventKey !== undefined)(
  'a structured build.start does what a binary one does',
  async () => {
    const identity = world.parser('structured');
    await world.upload(identity, answering('structured'));
    const response = await fetch(world.platform.brokerUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
      body: JSON.stringify({
        specversion: '1.0',
        id: identity.parser_id,
        source: 'test',
        type: 'build.start',
        datacontenttype: 'application/json',
        data: identity,
      }),
    });
    expect(response.status).toBe(202);
    expect((await world.seen('build.complete', identity)).data.status).toBe('success');
  },
);

test('ids may come from source and subject alone, and the function answers an event that lacks the routing subject', async () => {
  const identity = world.parser('attributes');
  await world.upload(identity, answering('from attributes'));
  await world.send({ type: 'build.start', source: 'network.notifi.acme', subject: identity.parser_id });
  await world.seen('lifecycle.function.ready', identity);

  await world.send({
    type: 'parser.start',
    source: 'network.notifi.acme',
    subject: identity.parser_id,
    data: { contextId: 'c1', n: 7 },
  });

  const answer = await world.seen('parser.complete', identity);
  expect(answer.data).toMatchObject({
    context_id: 'c1',
    succeeded: true,
    result: { answer: 'from attributes', echoed: { n: 7 } },
  });
});

test('a function scales to zero when idle, as the builder functions do, and answers from zero', {
  timeout: 180_000 * PATIENCE,
}, async () => {
  const identity = world.parser('idle');
  await world.upload(identity, answering('from zero'));
  await world.send({ type: 'build.start', data: { ...identity, parameters: { scaling: { scale_down_delay: '0s' } } } });
  const { data } = await world.seen('lifecycle.function.ready', identity);
  const pods = () => world.pods(`serving.knative.dev/service=${data.service_name}`);
  await until('its pods to be gone', async () => (await pods()).length === 0);
  await until(
    'the pods of service-delete to be gone',
    async () => (await world.pods('serving.knative.dev/service=service-delete')).length === 0,
    // Other tests may be calling it; it goes half a minute after the last of them.
    100,
  );

  const response = await world.call(data.service_name, {
    type: 'parser.start',
    id: 'direct',
    data: { context_id: 'direct' },
  });

  expect(response.status).toBe(200);
  expect(response.headers['ce-type']).toBe('parser.complete');
  expect(JSON.parse(response.body)).toMatchObject({
    context_id: 'direct',
    succeeded: true,
    result: { answer: 'from zero' },
  });
  expect((await pods()).length).toBe(1);
});

test("what the user's code throws is an answer, not a retry", async () => {
  const identity = world.parser('throwing');
  await world.upload(identity, {
    'parser.mjs': "export const handler = () => {\n  throw new TypeError('no such block');\n};\n",
  });
  await world.send({ type: 'build.start', data: identity });
  await world.seen('lifecycle.function.ready', identity);

  await world.send({ type: 'parser.start', subject: `acme/${identity.parser_id}`, data: { context_id: 5 } });

  const answer = await world.seen('parser.complete', identity);
  expect(answer.data).toMatchObject({
    context_id: 5,
    succeeded: false,
    error: { type: 'TypeError', message: 'no such block' },
  });
});
