/**
 * The catalogue of events and the list of reasons: what does not stand there does not compile, and no Trigger asks for
 * it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseLetter } from '#shared/dead-letters/letter.ts';
import { buildCompleteSchema } from '#shared/events/build-complete.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { NewEvent } from '#shared/events/event.ts';
import { ENDED_ANNOTATION, readEnded } from '#shared/specs/annotations.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const TRIGGERS = 'eventing/base/functions/triggers';

/** Of Kubernetes' and Ping's own sources. */
const KNATIVE = /^dev\.knative\./;

const triggers = readdirSync(join(ROOT, TRIGGERS))
  .map((file) => parse(readFileSync(join(ROOT, TRIGGERS, file), 'utf8')))
  .filter(({ kind }) => kind === 'Trigger');

test('no Trigger asks for a type that nobody sends', () => {
  const catalogue = readFileSync(join(ROOT, 'shared/events/catalogue.ts'), 'utf8');
  const known = new Set([...catalogue.matchAll(/^ {2}'([\w.-]+)': /gm)].map(([, type]) => type));
  const asked: string[] = triggers.flatMap(({ spec }) => spec.filter?.attributes?.type ?? []);

  expect(asked).toContain('build.start');
  expect(asked.filter((type) => !known.has(type) && !KNATIVE.test(type))).toEqual([]);
});

test('the type of an event tells what its data is', () => {
  const about = { third_party_id: 'a', parser_id: 'p', correlation_id: 'c' };
  const reply = { type: 'lifecycle.function.deleted', data: { ...about, deleted: [] } } as NewEvent;
  expect(reply.type === 'lifecycle.function.deleted' ? reply.data.deleted : undefined).toEqual([]);

  // @ts-expect-error: not in the catalogue.
  const unknown: NewEvent = { type: 'lifecycle.build.finished', data: about };
  // @ts-expect-error: the data of another type.
  const mistaken: NewEvent = { type: 'lifecycle.build.started', data: { ...about, deleted: [] } };
  // @ts-expect-error: no data.
  const empty: NewEvent = { type: 'job.start' };
  expect([unknown, mistaken, empty]).toHaveLength(3);
});

test('a reason that has no sentence is no reason, but what another version wrote can be read', () => {
  // @ts-expect-error: not in the list.
  expect(new PermanentError('NoSuchReason', '').reason).toBe('NoSuchReason');

  const data = { third_party_id: 'a', parser_id: 'p', correlation_id: 'c', error_message: 'why' };
  const read = buildCompleteSchema.safeParse({ ...data, status: 'failed', reason: 'OfTomorrow' });
  expect(read.data?.reason).toBe('OfTomorrow');
  expect(
    parseLetter(JSON.stringify({ id: 'l', event: {}, category: 'transient', reason: 'OfTomorrow' })),
  ).toMatchObject({
    reason: 'OfTomorrow',
  });
  const ended = JSON.stringify({ status: 'cancelled', reason: 'OfTomorrow', message: 'why' });
  expect(readEnded({ metadata: { annotations: { [ENDED_ANNOTATION]: ended } } })?.reason).toBe('OfTomorrow');
  expect(buildCompleteSchema.safeParse({ ...data, status: 'failed', reason: 'x'.repeat(101) }).success).toBe(false);
});
