/** Watches over HTTP: where they begin, what they select, how they end. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CONFIG_MAPS, type Server, startServer } from './api-server.ts';
import { configMap, NAMESPACE, settled } from './objects.ts';

let server: Server;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.close());

describe('watch', () => {
  /** `afterFirst` runs when the first event is there, so that the watch is known to have begun. */
  const take = async (path: string, count: number, headers?: Record<string, string>, afterFirst?: () => void) => {
    const events: { type: string; object: { metadata: Record<string, string>; [field: string]: unknown } }[] = [];
    for await (const event of server.watch(path, headers)) {
      events.push(event);
      if (events.length === 1) {
        afterFirst?.();
      }
      if (events.length === count) {
        break;
      }
    }
    return events;
  };
  const names = (events: { type: string; object: { metadata: Record<string, string> } }[]) =>
    events.map(({ type, object }) => `${type} ${object.metadata['name']}`);

  test('begins with what is there, and goes on', async () => {
    server.storage.create(configMap('a'));
    const events = await take(`${CONFIG_MAPS}?watch=true`, 3, {}, () => {
      server.storage.create(configMap('b'));
      server.storage.remove('configmaps', NAMESPACE, 'a');
    });
    expect(names(events)).toEqual(['ADDED a', 'ADDED b', 'DELETED a']);
  });

  test('resumes after a version without losing or repeating anything', async () => {
    server.storage.create(configMap('a'));
    const { body } = await server.call('GET', CONFIG_MAPS);
    server.storage.update(configMap('a', { x: '1' }));
    server.storage.create(configMap('b'));
    const taken = take(`${CONFIG_MAPS}?watch=1&resourceVersion=${body.metadata.resourceVersion}`, 3);
    setTimeout(() => server.storage.create(configMap('c')), 30);
    expect(names(await taken)).toEqual(['MODIFIED a', 'ADDED b', 'ADDED c']);
  });

  test.each([
    { case: 'too old', version: () => 1 },
    { case: 'of another life', version: () => server.storage.table.version + 10 },
  ])('from a version that is $case says 410 in the stream', async ({ version }) => {
    for (let n = 0; n < 10_001; n++) {
      server.storage.create(configMap(`c${n}`));
    }
    expect(await take(`${CONFIG_MAPS}?watch=true&resourceVersion=${version()}`, 1)).toMatchObject([
      { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } },
    ]);
  });

  test('with a selector, what enters the selection is added and what leaves it is deleted', async () => {
    const labelled = (app: string) => configMap('a', {}, { labels: { app } });
    const { body } = await server.call('GET', CONFIG_MAPS);
    server.storage.create(labelled('other'));
    server.storage.update(labelled('mine'));
    server.storage.update({ ...labelled('mine'), data: { x: '1' } });
    const last = server.storage.update(labelled('other'));
    server.storage.remove('configmaps', NAMESPACE, 'a');
    server.storage.create(configMap('end', {}, { labels: { app: 'mine' } }));
    const events = await take(
      `${CONFIG_MAPS}?watch=true&labelSelector=app%3Dmine&resourceVersion=${body.metadata.resourceVersion}`,
      4,
    );
    expect(names(events)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED end']);
    expect(events[2]?.object).toMatchObject({
      data: { x: '1' },
      metadata: { resourceVersion: last.metadata.resourceVersion, labels: { app: 'mine' } },
    });
  });

  test('of one object, by field', async () => {
    server.storage.create(configMap('a'));
    server.storage.create(configMap('b'));
    const events = await take(`${CONFIG_MAPS}?watch=true&fieldSelector=metadata.name%3Db`, 2, {}, () => {
      server.storage.update(configMap('a', { x: '1' }));
      server.storage.update(configMap('b', { x: '1' }));
    });
    expect(names(events)).toEqual(['ADDED b', 'MODIFIED b']);
  });

  test('ends after timeoutSeconds', async () => {
    server.storage.create(configMap('a'));
    expect(names(await take(`${CONFIG_MAPS}?watch=true&timeoutSeconds=1`, 99))).toEqual(['ADDED a']);
  });

  test('marks the end of what was there, where asked', async () => {
    server.storage.create(configMap('a'));
    const query = 'watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan';
    const [added, bookmark] = await take(`${CONFIG_MAPS}?${query}`, 2);
    expect(added?.type).toBe('ADDED');
    expect(bookmark).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'ConfigMap', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
  });

  test('shows tables', async () => {
    server.storage.create(configMap('a', { x: '1' }));
    const [event] = await take(`${CONFIG_MAPS}?watch=true`, 1, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    });
    expect(event?.object).toMatchObject({ kind: 'Table', rows: [{ cells: ['a', 1, expect.any(String)] }] });
  });

  test('lets the server close', async () => {
    const taken = take(`${CONFIG_MAPS}?watch=true`, 1).catch(() => 'cut');
    await settled();
    await server.close();
    expect(await taken).toBe('cut');
    server = await startServer();
  });
});
