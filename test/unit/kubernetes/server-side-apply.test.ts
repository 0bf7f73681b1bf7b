/** Server-side apply: who owns which field, what that forbids, and what it takes away. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { changedFields, difference, fieldsOf, intersection, pathsOf, union } from '#local/kubernetes/field-set.ts';
import type { Storage } from '#local/kubernetes/storage.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { caught, configMap, createCluster, job, NAMESPACE, record, service, settled } from './objects.ts';

let storage: Storage;
beforeEach(() => {
  storage = createCluster();
});

const apply = (object: KubeObject, fieldManager = 'me', force = false) =>
  storage.apply(object, { fieldManager, force });
const containersOf = (object: KubeObject) => object['spec'].template.spec.containers;
const managersOf = (object: KubeObject) =>
  (object.metadata.managedFields ?? []).map((entry) => (entry as { manager: string }).manager);

describe('apply', () => {
  test('creates, then changes, then does nothing', async () => {
    const events = record(storage, 'configmaps');
    expect(apply(configMap('a', { x: '1' })).metadata.managedFields).toMatchObject([
      {
        manager: 'me',
        operation: 'Apply',
        apiVersion: 'v1',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { 'f:x': {} } },
      },
    ]);
    apply(configMap('a', { x: '2' }));
    const before = storage.get('configmaps', NAMESPACE, 'a');
    expect(apply(configMap('a', { x: '2' }))).toEqual(before);
    await settled();
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED']);
  });

  test('takes away what its manager no longer applies, and nothing else', () => {
    apply(configMap('a', { mine: '1', gone: '1' }));
    apply(configMap('a', { theirs: '1' }), 'other');
    expect(apply(configMap('a', { mine: '1' }))['data']).toEqual({ mine: '1', theirs: '1' });
  });

  test('keeps a field that another manager applies with the same value', () => {
    apply(configMap('a', { shared: '1' }));
    apply(configMap('a', { shared: '1' }), 'other');
    expect(apply(configMap('a', { x: '1' }))['data']).toEqual({ shared: '1', x: '1' });
    expect(apply(configMap('a', {}), 'other')['data']).toEqual({ x: '1' });
  });

  test('leaves alone what the server or a controller set', () => {
    const created = apply(service('fn'));
    storage.update({
      ...created,
      metadata: { ...created.metadata, finalizers: ['controller/hold'], annotations: { note: 'x' } },
    });
    const applied = apply(service('fn', { timeoutSeconds: 20 }));
    expect(applied.metadata).toMatchObject({
      finalizers: ['controller/hold'],
      annotations: { note: 'x' },
      generation: 2,
    });
    expect(applied['spec'].template.spec).toMatchObject({ timeoutSeconds: 20, containerConcurrency: 0 });
  });

  test('again, of a Service whose fields were given defaults, changes nothing', () => {
    const first = apply(service('fn', {}, { env: [{ name: 'A', value: '1' }] }));
    expect(apply(service('fn', {}, { env: [{ name: 'A', value: '1' }] }))).toEqual(first);
  });

  test('knows a uid or resourceVersion that has passed', () => {
    const first = apply(configMap('a', { x: '1' }));
    apply(configMap('a', { x: '2' }));
    const { uid, resourceVersion } = first.metadata;
    expect(caught(() => apply(configMap('a', {}, { uid: 'another' })))).toMatchObject({ code: 409 });
    expect(caught(() => apply(configMap('a', {}, { resourceVersion: resourceVersion ?? '' })))).toMatchObject({
      code: 409,
    });
    expect(caught(() => apply(configMap('new', {}, { uid: uid ?? '' })))).toMatchObject({ code: 409 });
  });

  test('does not take managedFields', () => {
    expect(caught(() => apply(configMap('a', {}, { managedFields: [{}] })))).toMatchObject({ code: 400 });
  });
});

describe('conflicts', () => {
  test('name the field and its owner', () => {
    storage.create(configMap('a', { x: '1', y: '1' }));
    expect(caught(() => apply(configMap('a', { x: '2' })))).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "embedded-platform" using v1: .data.x',
      details: {
        causes: [
          { reason: 'FieldManagerConflict', message: 'conflict with "embedded-platform" using v1', field: '.data.x' },
        ],
      },
    });
    expect(caught(() => apply(configMap('a', { x: '2', y: '2' })))).toMatchObject({
      message: expect.stringMatching(/^Apply failed with 2 conflicts: .* using v1: \.data\.x, .* using v1: \.data\.y$/),
    });
    expect(storage.get('configmaps', NAMESPACE, 'a')?.['data']).toEqual({ x: '1', y: '1' });
  });

  test('there are none over equal values', () => {
    apply(configMap('a', { x: '1' }), 'other');
    expect(managersOf(apply(configMap('a', { x: '1' })))).toEqual(['other', 'me']);
  });

  test('force takes the field over, and the former owner’s next apply does not take it away', () => {
    apply(configMap('a', { x: '1', y: '1' }), 'other');
    expect(apply(configMap('a', { x: '2' }), 'me', true)['data']).toEqual({ x: '2', y: '1' });
    expect(caught(() => apply(configMap('a', { x: '1' }), 'other'))).toMatchObject({ code: 409 });
    expect(apply(configMap('a', {}), 'other')['data']).toEqual({ x: '2' });
  });

  test('an update takes over what it changes', () => {
    apply(configMap('a', { x: '1', y: '1' }));
    const updated = storage.update(configMap('a', { x: '2', y: '1' }));
    expect(updated.metadata.managedFields).toMatchObject([
      { manager: 'me', operation: 'Apply', fieldsV1: { 'f:data': { 'f:y': {} } } },
      { manager: 'embedded-platform', operation: 'Update', fieldsV1: { 'f:data': { 'f:x': {} } } },
    ]);
    expect(updated.metadata.managedFields?.[0]).not.toHaveProperty(['fieldsV1', 'f:data', 'f:x']);
    expect(caught(() => apply(configMap('a', { x: '1', y: '1' })))).toMatchObject({
      details: { causes: [{ field: '.data.x' }] },
    });
    expect(apply(configMap('a', { y: '1' }))['data']).toEqual({ x: '2', y: '1' });
  });
});

describe('lists', () => {
  test('are atomic, as the CustomResourceDefinition of a Knative Service says', () => {
    apply(service('fn', {}, { name: 'app', env: [{ name: 'X', value: '1' }] }));
    expect(
      caught(() => apply(service('fn', {}, { name: 'app', env: [{ name: 'Y', value: '2' }] }), 'other')),
    ).toMatchObject({
      details: { causes: [{ field: '.spec.template.spec.containers' }] },
    });
    const forced = apply(service('fn', {}, { name: 'app', env: [{ name: 'Y', value: '2' }] }), 'other', true);
    expect(containersOf(forced)[0].env).toEqual([{ name: 'Y', value: '2' }]);
  });
});

test('a Job that is applied again without what the server added is unchanged', () => {
  const first = apply(job('build'));
  expect(apply(job('build'))).toEqual(first);
});

describe('field sets', () => {
  const names = fc.stringMatching(/^[a-z]{1,2}$/);
  const object = fc.letrec<{ object: Record<string, unknown> }>((tie) => ({
    object: fc.dictionary(names, fc.oneof({ maxDepth: 3 }, fc.integer({ max: 2, min: 0 }), tie('object')), {
      noNullPrototype: true,
      maxKeys: 3,
    }),
  })).object;
  const set = object.map((value) => fieldsOf(value));
  const leaves = (fields: ReturnType<typeof fieldsOf>) => pathsOf(fields).toSorted();
  const without = (some: string[], others: string[]) => some.filter((path) => !others.includes(path));

  test('are sets: union, difference and intersection hold their laws', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        expect(leaves(union(a, b))).toEqual([...new Set([...leaves(a), ...leaves(b)])].toSorted());
        expect(leaves(difference(a, b))).toEqual(without(leaves(a), leaves(b)));
        expect(leaves(intersection(a, b))).toEqual(leaves(a).filter((path) => leaves(b).includes(path)));
        expect(difference(a, a)).toEqual({});
        expect(union(a, a)).toEqual(a);
      }),
    );
  });

  test('what changed is what differs', () => {
    fc.assert(
      fc.property(object, object, (before, next) => {
        expect(changedFields(next, next)).toEqual({});
        expect(changedFields({}, next)).toEqual(fieldsOf(next));
        const untouched = difference(fieldsOf(next), changedFields(before, next));
        expect(without(leaves(untouched), leaves(fieldsOf(before)))).toEqual([]);
      }),
    );
  });

  test('applying by one manager alone ends in exactly what was applied last', () => {
    const data = fc.dictionary(names, names, { noNullPrototype: true });
    fc.assert(
      fc.property(fc.array(data, { minLength: 1, maxLength: 4 }), (steps) => {
        const cluster = createCluster();
        for (const step of steps) {
          cluster.apply(configMap('a', step), { fieldManager: 'me' });
        }
        expect(cluster.get('configmaps', NAMESPACE, 'a')?.['data'] ?? {}).toEqual(steps.at(-1));
      }),
      { numRuns: 50 },
    );
  });
});
