/** Which ends of a pod's containers tell how the function ended. */
import { expect, test } from 'vitest';
import { containerEnds } from '#shared/kubernetes/container-ends.ts';

const ended = (reason: string, second: number) => ({
  terminated: { reason, exitCode: 137, finishedAt: new Date(second * 1000) },
});
const podWith = (metadata: object, state: object, lastState: object) => ({
  metadata: { name: 'pod', ...metadata },
  status: { containerStatuses: [{ name: 'user-container', state, lastState } as never] },
});

test('the newest first', () => {
  const ends = containerEnds(podWith({}, ended('Error', 2), ended('OOMKilled', 1)), 'user-container');
  expect(ends.map(({ reason }) => reason)).toEqual(['Error', 'OOMKilled']);
  expect(containerEnds(podWith({}, ended('Error', 2), {}), 'queue-proxy')).toEqual([]);
});

test('a pod on its way out was told to end; the kernel that killed it before was not', () => {
  const going = { deletionTimestamp: new Date() };
  const ends = containerEnds(podWith(going, ended('Error', 2), ended('OOMKilled', 1)), 'user-container');
  expect(ends.map(({ reason }) => reason)).toEqual(['OOMKilled']);
});
