/** Objects on disk: the next platform has them as they were, and goes on where the last one was cut off. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createStorage, type Storage } from '#local/kubernetes/storage.ts';
import { configMap, job, NAMESPACE, namespace, ownedBy, pod, record, settled } from './objects.ts';

let directory: string;
let storage: Storage;
const opened: Storage[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'objects-'));
  storage = open();
  storage.create(namespace(NAMESPACE));
});
afterEach(() => {
  for (const one of opened.splice(0)) {
    one.close();
  }
  rmSync(directory, { recursive: true, force: true });
});

/** Without having closed the one before, as after `kill -9`. */
function open(): Storage {
  const next = createStorage(join(directory, 'objects.jsonl'));
  opened.push(next);
  return next;
}

const everything = ({ table }: Storage) => [...table.all()].map(({ object }) => object);

test('every object is there again as it was, and the counter of versions goes on', () => {
  storage.create(configMap('kept', { a: '1' }));
  storage.create(configMap('changed', { a: '1' }));
  storage.apply(configMap('changed', { a: '2', b: 'ü' }), { fieldManager: 'me', force: true });
  storage.create(job('built'));
  storage.updateStatus('jobs.batch', NAMESPACE, 'built', { active: 1 });
  storage.create(configMap('gone'));
  storage.remove('configmaps', NAMESPACE, 'gone');
  const before = everything(storage);
  const { version } = storage.table;

  // Twice, since the first writes the file anew, without its history.
  open();
  const again = open();

  expect(everything(again)).toEqual(before);
  expect(again.table.version).toBe(version);
  expect(Number(again.create(configMap('next')).metadata.resourceVersion)).toBe(version + 1);
});

test('a change that is refused, or of nothing, is not written', () => {
  storage.create(configMap('a', { a: '1' }));
  const { version } = storage.table;
  expect(() => storage.create(configMap('a'))).toThrow('already exists');
  storage.apply(configMap('b'), { fieldManager: 'me' });
  storage.apply(configMap('b'), { fieldManager: 'me' });

  expect(open().table.version).toBe(version + 1);
});

test('a watch is told first of all that there is; one that resumes from before the start is told to list again', async () => {
  storage.create(configMap('a'));
  const { version } = storage.table;

  const again = open();
  const seen = record(again, 'configmaps');
  again.create(configMap('b'));
  await settled();

  expect(seen.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual(['ADDED a', 'ADDED b']);
  expect(again.table.feed.since(version - 1)).toBeUndefined();
  expect(again.table.feed.since(version)).toHaveLength(1);
});

test('half a deletion is finished: dependents of an owner that is gone, and an owner that waits for none', async () => {
  const orphaned = storage.create(job('orphaned'));
  storage.create(pod('of-nobody', { ownerReferences: [ownedBy(orphaned)] }));
  storage.create(job('waiting'));
  storage.remove('jobs.batch', NAMESPACE, 'waiting', { propagationPolicy: 'Foreground' });
  storage.create(namespace('left'));
  storage.create({ ...configMap('in-it'), metadata: { name: 'in-it', namespace: 'left' } });
  storage.remove('namespaces', undefined, 'left');
  // The reactions to these never came to be: the process was killed in the same turn.
  storage.remove('jobs.batch', NAMESPACE, 'orphaned');

  const again = open();
  await settled();

  expect(again.list('jobs.batch')).toEqual([]);
  expect(again.list('pods')).toEqual([]);
  expect(again.list('namespaces').map(({ metadata }) => metadata.name)).toEqual(['default', 'kube-system', NAMESPACE]);
});
