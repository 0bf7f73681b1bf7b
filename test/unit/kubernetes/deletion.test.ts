/** Deletion: finalizers, pods' grace, namespaces, and what goes with an owner. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Storage } from '#local/kubernetes/storage.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import {
  caught,
  configMap,
  createCluster,
  job,
  NAMESPACE,
  namespace,
  ownedBy,
  pod,
  record,
  service,
  settled,
} from './objects.ts';

let storage: Storage;
beforeEach(() => {
  storage = createCluster();
});

const get = (name: string, resource = 'configmaps') => storage.get(resource, NAMESPACE, name);
const remove = (name: string, options?: Parameters<Storage['remove']>[3], resource = 'configmaps') =>
  storage.remove(resource, NAMESPACE, name, options);
const withoutFinalizers = (object: KubeObject): KubeObject => {
  const { finalizers: _f, ...metadata } = object.metadata;
  return { ...object, metadata };
};

describe('remove', () => {
  test('takes away at once what nothing holds', () => {
    storage.create(configMap('a'));
    expect(remove('a')?.metadata.name).toBe('a');
    expect(get('a')).toBeUndefined();
    expect(remove('a')).toBeUndefined();
  });

  test('only the very object, where a uid is given', () => {
    storage.create(configMap('a'));
    expect(caught(() => remove('a', { uid: 'another' }))).toMatchObject({ code: 409, reason: 'Conflict' });
    expect(get('a')).toBeDefined();
  });

  test('the namespaces of the system may not be deleted', () => {
    expect(caught(() => storage.remove('namespaces', undefined, 'default'))).toMatchObject({ code: 403 });
  });
});

describe('finalizers', () => {
  test('keep the object, marked, until the last is gone', async () => {
    const events = record(storage, 'jobs.batch');
    storage.create(job('a', {}, {}, { finalizers: ['test/one', 'test/two'] }));
    const marked = remove('a', {}, 'jobs.batch');
    expect(marked?.metadata).toMatchObject({ deletionGracePeriodSeconds: 0, generation: 2 });
    expect(marked?.metadata.deletionTimestamp).toBeDefined();
    expect(remove('a', {}, 'jobs.batch')).toEqual(marked);
    const one = storage.update({
      ...(marked as KubeObject),
      metadata: { ...marked?.metadata, name: 'a', finalizers: ['test/two'] },
    });
    expect(one.metadata.deletionTimestamp).toBe(marked?.metadata.deletionTimestamp);
    storage.update(withoutFinalizers(one));
    expect(get('a', 'jobs.batch')).toBeUndefined();
    await settled();
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'MODIFIED', 'DELETED']);
  });

  test('may not be added once it is being deleted', () => {
    storage.create(configMap('a', {}, { finalizers: ['test/one'] }));
    const marked = remove('a') as KubeObject;
    const more = { ...marked, metadata: { ...marked.metadata, finalizers: ['test/one', 'test/late'] } };
    expect(caught(() => storage.update(more))).toMatchObject({
      code: 422,
      details: { causes: [{ field: 'metadata.finalizers' }] },
    });
  });

  test('an update cannot take the mark off', () => {
    storage.create(configMap('a', {}, { finalizers: ['test/one'] }));
    remove('a');
    expect(storage.update(configMap('a', {}, { finalizers: ['test/one'] })).metadata.deletionTimestamp).toBeDefined();
  });
});

describe('pods', () => {
  const running = () => {
    storage.create(pod('p', {}, { nodeName: 'node', terminationGracePeriodSeconds: 7 }));
    storage.updateStatus('pods', NAMESPACE, 'p', { phase: 'Running' });
  };

  test('that no kubelet has taken go at once', () => {
    storage.create(pod('p'));
    remove('p', {}, 'pods');
    expect(get('p', 'pods')).toBeUndefined();
  });

  test('that run stay until the kubelet says so', () => {
    running();
    const before = Date.now();
    const { metadata } = remove('p', {}, 'pods') as KubeObject;
    expect(metadata.deletionGracePeriodSeconds).toBe(7);
    expect(Math.abs(Date.parse(metadata.deletionTimestamp ?? '') - before - 7000)).toBeLessThan(1500);
    storage.updateStatus('pods', NAMESPACE, 'p', { phase: 'Failed' });
    expect(get('p', 'pods')).toBeDefined();
    remove('p', { gracePeriodSeconds: 0 }, 'pods');
    expect(get('p', 'pods')).toBeUndefined();
  });

  test('a second delete can only shorten the time', () => {
    running();
    remove('p', {}, 'pods');
    expect(remove('p', { gracePeriodSeconds: 60 }, 'pods')?.metadata.deletionGracePeriodSeconds).toBe(7);
    expect(remove('p', { gracePeriodSeconds: 2 }, 'pods')?.metadata.deletionGracePeriodSeconds).toBe(2);
  });

  test('that have ended go at once', () => {
    running();
    storage.updateStatus('pods', NAMESPACE, 'p', { phase: 'Succeeded' });
    remove('p', {}, 'pods');
    expect(get('p', 'pods')).toBeUndefined();
  });
});

describe('garbage', () => {
  test('in the background, dependents go after their owner, and theirs after them', async () => {
    const owner = storage.create(job('owner'));
    const child = storage.create(pod('child', { ownerReferences: [ownedBy(owner)] }));
    storage.create(configMap('grandchild', {}, { ownerReferences: [ownedBy(child)] }));
    storage.create(configMap('stranger'));
    remove('owner', { propagationPolicy: 'Background' }, 'jobs.batch');
    expect(get('child', 'pods')).toBeDefined();
    await settled();
    expect(get('child', 'pods')).toBeUndefined();
    expect(get('grandchild')).toBeUndefined();
    expect(get('stranger')).toBeDefined();
  });

  test('dependents wait while a finalizer holds the owner', async () => {
    const owner = storage.create(configMap('owner', {}, { finalizers: ['test/hold'] }));
    storage.create(configMap('child', {}, { ownerReferences: [ownedBy(owner)] }));
    remove('owner');
    await settled();
    expect(get('child')).toBeDefined();
    storage.update(withoutFinalizers(get('owner') as KubeObject));
    await settled();
    expect(get('child')).toBeUndefined();
  });

  test('in the foreground, what blocks goes first, and the owner waits for it', async () => {
    const owner = storage.create(job('owner', {}, {}, { finalizers: ['test/hold'] }));
    storage.create(
      pod('child', { ownerReferences: [ownedBy(owner, { blockOwnerDeletion: true })] }, { nodeName: 'node' }),
    );
    storage.create(configMap('loose', {}, { ownerReferences: [ownedBy(owner)] }));
    await settled();
    remove('owner', { propagationPolicy: 'Foreground' }, 'jobs.batch');
    await settled();
    expect(get('child', 'pods')?.metadata.deletionTimestamp).toBeDefined();
    expect(get('owner', 'jobs.batch')?.metadata.finalizers).toEqual(['test/hold', 'foregroundDeletion']);
    remove('child', { gracePeriodSeconds: 0 }, 'pods');
    await settled();
    // What else holds the owner still does; what did not block goes with the owner.
    expect(get('owner', 'jobs.batch')?.metadata.finalizers).toEqual(['test/hold']);
    expect(get('loose')).toBeDefined();
    storage.update(withoutFinalizers(get('owner', 'jobs.batch') as KubeObject));
    await settled();
    expect(get('loose')).toBeUndefined();
  });

  test('in the foreground without dependents, the owner goes at once', async () => {
    storage.create(job('owner'));
    remove('owner', { propagationPolicy: 'Foreground' }, 'jobs.batch');
    await settled();
    expect(get('owner', 'jobs.batch')).toBeUndefined();
  });

  test('in the foreground through three generations, from the last to the first', async () => {
    const owner = storage.create(configMap('first'));
    const second = storage.create(
      configMap('second', {}, { ownerReferences: [ownedBy(owner, { blockOwnerDeletion: true })] }),
    );
    storage.create(configMap('third', {}, { ownerReferences: [ownedBy(second, { blockOwnerDeletion: true })] }));
    const events = record(storage, 'configmaps');
    remove('first', { propagationPolicy: 'Foreground' });
    await settled();
    const gone = events.filter(({ type }) => type === 'DELETED').map(({ object }) => object.metadata.name);
    expect(gone).toEqual(['third', 'second', 'first']);
  });

  test('an object with another owner stays with that one', async () => {
    const [one, two] = [storage.create(configMap('one')), storage.create(configMap('two'))];
    storage.create(configMap('child', {}, { ownerReferences: [ownedBy(one), ownedBy(two)] }));
    remove('one');
    await settled();
    expect(get('child')?.metadata.ownerReferences).toEqual([ownedBy(two)]);
    remove('two');
    await settled();
    expect(get('child')).toBeUndefined();
  });

  test('an object made for an owner that is gone already goes too', async () => {
    const owner = storage.create(service('owner'));
    remove('owner', {}, 'services.serving.knative.dev');
    storage.create(pod('late', { ownerReferences: [ownedBy(owner)] }));
    await settled();
    expect(get('late', 'pods')).toBeUndefined();
  });

  test('an owner of the same name is not the same owner', async () => {
    const owner = storage.create(configMap('owner'));
    storage.create(configMap('child', {}, { ownerReferences: [ownedBy(owner)] }));
    remove('owner');
    storage.create(configMap('owner'));
    await settled();
    expect(get('child')).toBeUndefined();
    expect(get('owner')).toBeDefined();
  });

  test('an owner in another namespace is none', async () => {
    storage.create(namespace('other'));
    const owner = storage.create(configMap('owner', {}, { namespace: 'other' }));
    storage.create(configMap('child', {}, { ownerReferences: [ownedBy(owner)] }));
    await settled();
    expect(get('child')).toBeUndefined();
  });
});

describe('a namespace', () => {
  test('takes its content with it, and waits for what is held', async () => {
    storage.create(configMap('a'));
    storage.create(configMap('held', {}, { finalizers: ['test/hold'] }));
    storage.create(pod('p', {}, { nodeName: 'node' }));
    storage.remove('namespaces', undefined, NAMESPACE);
    await settled();
    expect(get('a')).toBeUndefined();
    expect(storage.get('namespaces', undefined, NAMESPACE)?.['status'].phase).toBe('Terminating');
    storage.update(withoutFinalizers(get('held') as KubeObject));
    await settled();
    expect(storage.get('namespaces', undefined, NAMESPACE)).toBeDefined();
    remove('p', { gracePeriodSeconds: 0 }, 'pods');
    await settled();
    expect(storage.get('namespaces', undefined, NAMESPACE)).toBeUndefined();
    expect(storage.create(namespace(NAMESPACE)).metadata.generation).toBeUndefined();
  });
});

test('thousands of dependents go with their owner, and the event loop is not held up for long', async () => {
  const owner = storage.create(configMap('owner'));
  for (let n = 0; n < 3000; n++) {
    storage.create(configMap(`child-${n}`, {}, { ownerReferences: [ownedBy(owner)] }));
  }
  await settled();
  remove('owner');
  for (let turns = 0; turns < 10 && storage.list('configmaps').length > 0; turns++) {
    await settled();
  }
  expect(storage.list('configmaps')).toEqual([]);
});
