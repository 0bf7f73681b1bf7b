/** What one line of the audit log says about rights. The lines are a real API server's, shortened. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { told, usesOf, usesSince } from '#test/e2e/permissions-audit.ts';

const started = new Date('2026-11-22T20:00:00Z');
const prefixes = ['system:serviceaccount:fns:'];
const line = (change: object) =>
  JSON.stringify({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    stage: 'ResponseComplete',
    verb: 'patch',
    user: { username: 'system:serviceaccount:fns:build-complete' },
    objectRef: { resource: 'services', namespace: 'fns', name: 'fn-a', apiGroup: 'serving.knative.dev' },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: '2026-11-22T20:00:01.000000Z',
    annotations: { 'authorization.k8s.io/decision': 'allow' },
    ...change,
  });
const service = 'services.serving.knative.dev in fns';

test.each([
  { case: 'a request', change: {}, says: [`fns/build-complete: patch ${service}`] },
  {
    case: 'an apply that created',
    change: { responseStatus: { code: 201 } },
    says: [`fns/build-complete: patch ${service}`, `fns/build-complete: create ${service}`],
  },
  {
    case: 'a conflict: allowed all the same',
    change: { responseStatus: { code: 409 } },
    says: [`fns/build-complete: patch ${service}`],
  },
  {
    case: 'a subresource',
    change: { verb: 'get', objectRef: { resource: 'pods', subresource: 'log', namespace: 'builds' } },
    says: ['fns/build-complete: get pods/log in builds'],
  },
  {
    case: 'a refusal',
    change: {
      verb: 'delete',
      responseStatus: { code: 403 },
      annotations: { 'authorization.k8s.io/decision': 'forbid' },
    },
    says: [`fns/build-complete: delete ${service} (missing)`],
  },
  {
    case: 'an apply that might not create',
    change: {
      responseStatus: {
        code: 403,
        message: 'services.serving.knative.dev "fn-a" is forbidden: User "x" cannot create resource "services"',
      },
    },
    says: [`fns/build-complete: create ${service} (missing)`],
  },
  {
    case: 'a quota, which is no right',
    change: { responseStatus: { code: 403, message: 'pods "x" is forbidden: exceeded quota: builds' } },
    says: [`fns/build-complete: patch ${service}`],
  },
  { case: 'discovery', change: { objectRef: undefined }, says: [] },
  { case: 'somebody else', change: { user: { username: 'system:serviceaccount:other:build-complete' } }, says: [] },
  { case: 'an earlier run', change: { requestReceivedTimestamp: '2026-11-22T19:59:59.999999Z' }, says: [] },
])('$case', ({ change, says }) => {
  const uses = usesOf(line(change), started, prefixes);

  expect(uses.map((use) => `${told(use)}${use.missing ? ' (missing)' : ''}`)).toEqual(says);
});

test('a log that was moved aside is read, too, and a line that is still being written is not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'audit-'));
  const log = join(folder, 'audit.log');
  await writeFile(join(folder, 'audit-2026-11-22T20-30-00.000.log'), `${line({ verb: 'get' })}\n`);
  await writeFile(join(folder, 'other.log'), `${line({ verb: 'watch' })}\n`);
  await writeFile(log, `${line({ verb: 'list' })}\n${line({ verb: 'delete' }).slice(0, -9)}`);

  const uses = await usesSince(log, started, ['fns']);

  expect(uses.map(({ verb }) => verb).sort()).toEqual(['get', 'list']);
  await rm(folder, { recursive: true });
});
