/** Which event ends which request. */
import { expect, test } from 'vitest';
import { RequestLog } from '#bench/request-log.ts';
import type { UnderTest } from '#bench/under-test.ts';
import { terminalIdOfRequest } from '#shared/builds/terminal-event.ts';

const identity = { third_party_id: 'acme', parser_id: 'p1' };
const target = { send: async () => '' } as unknown as UnderTest;
const idOf = (id: string) => terminalIdOfRequest({ source: 'bench', id });
let clock = performance.now();

function told(type: string, id: string, data: object) {
  clock = Math.max(clock + 1, performance.now());
  return { at: clock, event: { type, id, source: 'knative-lambda', subject: 'acme/p1', data } };
}

test('its own build.complete, told twice with the same words', async () => {
  const log = new RequestLog();
  const { id, ended } = await log.send(target, 'build.start', identity);
  expect(log.brokenEnds()).toEqual([`build.start ${id} has 0 ends: none`]);
  log.note(told('build.complete', idOf(id), { status: 'success' }));
  log.note(told('build.complete', idOf(id), { status: 'success' }));
  expect((await ended).event.data.status).toBe('success');
  expect(log.brokenEnds()).toEqual([]);
});

test.each(['before', 'after'])('that of the Job it joined, told %s the joining', async (order) => {
  const log = new RequestLog();
  const [one, other] = [
    await log.send(target, 'build.start', identity),
    await log.send(target, 'build.start', identity),
  ];
  const joining = () => log.note(told('lifecycle.build.started', 'b', { correlation_id: other.id, job_name: 'job' }));
  const ending = () => log.note(told('build.complete', idOf(one.id), { status: 'success', job_name: 'job' }));
  log.note(told('lifecycle.build.started', 'a', { correlation_id: one.id, job_name: 'job' }));
  for (const step of order === 'before' ? [ending, joining] : [joining, ending]) {
    step();
  }
  await Promise.all([one.ended, other.ended]);
  expect(log.brokenEnds()).toEqual([]);
});

test('what is told with other words, for nobody, or twice for one request is broken', async () => {
  const log = new RequestLog();
  const { id } = await log.send(target, 'build.start', identity);
  const other = await log.send(target, 'build.start', identity);
  log.note(told('lifecycle.build.started', 'a', { correlation_id: id, job_name: 'job' }));
  log.note(told('build.complete', idOf(other.id), { status: 'success', job_name: 'job' }));
  log.note(told('build.complete', idOf(id), { status: 'success' }));
  log.note(told('build.complete', idOf(id), { status: 'failed' }));
  log.note(told('build.complete', 'stray', { status: 'success' }));
  expect(log.brokenEnds().map((text) => text.replace(/\b[0-9a-f-]{32,36}\b/g, 'ID'))).toEqual([
    'build.start ID has 2 ends: ID, ID',
    'build.complete stray of acme/p1 ends no request',
    expect.stringContaining('ID was told with different words'),
  ]);
});
