/** Watching: every change once, in order, whatever the listeners do. */
import { beforeEach, describe, expect, test } from 'vitest';
import { ChangeFeed } from '#local/kubernetes/change-feed.ts';
import type { Storage } from '#local/kubernetes/storage.ts';
import type { WatchEvent } from '#local/kubernetes/types.ts';
import { configMap, createCluster, NAMESPACE, record, settled } from './objects.ts';

let storage: Storage;
beforeEach(() => {
  storage = createCluster();
});

const text = ({ type, object }: WatchEvent) => `${type} ${object.metadata.name} ${object['data']?.n ?? ''}`.trim();

describe('watch', () => {
  test('tells first of what is there, then of every change', async () => {
    storage.create(configMap('a', { n: '1' }));
    const events = record(storage, 'configmaps');
    storage.update(configMap('a', { n: '2' }));
    storage.create(configMap('b'));
    storage.remove('configmaps', NAMESPACE, 'a');
    await settled();
    expect(events.map(text)).toEqual(['ADDED a 1', 'MODIFIED a 2', 'ADDED b', 'DELETED a 2']);
    const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  });

  test('calls no listener from inside a write', () => {
    const events = record(storage, 'configmaps');
    storage.create(configMap('a'));
    expect(events).toEqual([]);
  });

  test('tells of what happened before it began only once', async () => {
    storage.create(configMap('a', { n: '1' }));
    storage.update(configMap('a', { n: '2' }));
    const events = record(storage, 'configmaps');
    await settled();
    expect(events.map(text)).toEqual(['ADDED a 2']);
  });

  test('shows every listener the same order, also where one of them writes', async () => {
    storage.watch('configmaps', ({ type, object }) => {
      if (type === 'ADDED' && object.metadata.name === 'a') {
        storage.create(configMap('reaction'));
      }
      if (object.metadata.name === 'reaction' && type === 'ADDED') {
        storage.remove('configmaps', NAMESPACE, 'reaction');
      }
    });
    const events = record(storage, 'configmaps');
    storage.create(configMap('a'));
    storage.create(configMap('b'));
    await settled();
    expect(events.map(text)).toEqual(['ADDED a', 'ADDED b', 'ADDED reaction', 'DELETED reaction']);
  });

  test('two listeners that answer each other for ever leave the event loop its turn', async () => {
    let count = 0;
    const stop = storage.watch('configmaps', () => {
      count += 1;
      storage.update(configMap('a', { n: String(count) }));
    });
    storage.create(configMap('a'));
    for (let turns = 0; turns < 3; turns++) {
      await settled();
    }
    expect(count).toBeGreaterThan(1000);
    stop();
    await settled();
    const stopped = count;
    await settled();
    expect(count).toBe(stopped);
  });

  test('after stopping, nothing more comes, not even what is under way', async () => {
    const events: WatchEvent[] = [];
    const stop = storage.watch('configmaps', (event) => events.push(event));
    storage.create(configMap('a'));
    stop();
    await settled();
    expect(events).toEqual([]);
  });

  test('gives each listener its own copy', async () => {
    storage.watch('configmaps', ({ object }) => {
      object['data'].n = 'changed';
    });
    const events = record(storage, 'configmaps');
    storage.create(configMap('a', { n: '1' }));
    await settled();
    expect(events.map(text)).toEqual(['ADDED a 1']);
  });

  test('one listener’s defect does not keep the event from the others', async () => {
    const defects: unknown[] = [];
    const collect = (error: unknown) => defects.push(error);
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', collect);
    storage.watch('configmaps', () => {
      throw new Error('a defect');
    });
    const events = record(storage, 'configmaps');
    storage.create(configMap('a'));
    await settled();
    await settled();
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) {
      process.on('uncaughtException', listener);
    }
    expect(events.map(text)).toEqual(['ADDED a']);
    expect(defects).toMatchObject([{ message: 'a defect' }]);
  });
});

describe('history', () => {
  test('is bounded: what is too old is not made up', async () => {
    const feed = storage.table.feed;
    const start = storage.table.version;
    storage.create(configMap('a'));
    expect(feed.since(start)).toHaveLength(1);
    for (let n = 0; n < 10_001; n++) {
      storage.update(configMap('a', { n: String(n) }));
    }
    expect(feed.since(start)).toBeUndefined();
    expect(feed.since(storage.table.version - 3)).toHaveLength(3);
    expect(feed.since(feed.oldest - 1)).toBeDefined();
    expect(feed.since(feed.oldest - 2)).toBeUndefined();
    await settled();
  });

  test('an empty one knows everything', () => {
    expect(new ChangeFeed().since(0)).toEqual([]);
  });
});
