/** How the door finds a function, what that costs the API server, and what it does without one. */
import { beforeEach, describe, expect, test } from 'vitest';
import {
  createKnownFunctions,
  type Finding,
  findFunction,
  forgetFunction,
} from '#functions/parser-events/find-function.ts';
import type { KnativeObject } from '#shared/clients/cluster.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import { DELIVERY_ANNOTATION } from '#shared/specs/delivery.ts';
import { knativeService } from '#shared/specs/knative-service.ts';
import { functionName } from '#shared/specs/names.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';

const ACME = { third_party_id: 'acme', parser_id: 'p1' };
let clock: number;
let asked: string[];
let answer: (name: string) => Promise<KnativeObject | undefined>;
let deps: Finding;

beforeEach(() => {
  clock = Date.parse('2026-01-02T12:00:00Z');
  asked = [];
  answer = async () => service();
  deps = {
    cluster: {
      getService: (name) => {
        asked.push(name);
        return answer(name);
      },
    },
    store: new InMemoryObjectStore('tmp'),
    temporaryBucket: 'tmp',
    known: createKnownFunctions(),
    now: () => new Date(clock),
  };
});

/** As job-start and build-complete write it. */
function service({ parameters = {}, identity = ACME, status = {} as object } = {}): KnativeObject {
  const build = {
    ...identity,
    parameters,
    language: 'node',
    build_key: 'b',
    fingerprint: 'f',
  } as unknown as Parameters<typeof knativeService>[0];
  const made = knativeService(build, 'image', { namespace: 'functions', progressDeadline: '120s' });
  const annotations = {
    'knative-lambda/third-party-id': identity.third_party_id,
    'knative-lambda/parser-id': identity.parser_id,
    [DELIVERY_ANNOTATION]: 'shared',
  };
  return {
    ...made,
    metadata: { ...made.metadata, annotations },
    status: { latestReadyRevisionName: 'r-1', address: { url: 'http://f.functions.svc.cluster.local' }, ...status },
  };
}
const unavailable = async () => {
  throw new RetryableError('Unavailable', 'the API server is down');
};
const never = () => new Promise<never>(() => undefined);

describe('capacity: a pod’s concurrency, times the most pods', () => {
  test.each<[object, number]>([
    [{}, 1000],
    [{ concurrency: 5 }, 50],
    [{ concurrency: 5, scaling: { max: 3 } }, 15],
    [{ concurrency: 0, scaling: { target: 20, max: 2 } }, 40],
    [{ scaling: { min: 20 } }, 2000],
    [{ scaling: { metric: 'rps', target: 500, max: 1 } }, 100],
    [{ scaling: { metric: 'rps', target: 500, max: 2 }, concurrency: 7 }, 14],
    [{ scaling: { class: 'hpa', metric: 'cpu', target: 70, max: 2 } }, 200],
    [{ scaling: { class: 'hpa', metric: 'memory', max: 1 }, concurrency: 1 }, 1],
  ])('%j', async (parameters, capacity) => {
    answer = async () => service({ parameters });
    expect(await findFunction(ACME, deps)).toMatchObject({ kind: 'ready', capacity });
  });

  test('of a Service that says nothing', async () => {
    const { spec: _, ...bare } = service();
    answer = async () => bare;
    expect(await findFunction(ACME, deps)).toMatchObject({ kind: 'ready', capacity: 1000, timeoutSeconds: 300 });
  });
});

describe('a look-up', () => {
  test('is made once in five seconds, and shared by all that ask at the same time', async () => {
    await Promise.all(Array.from({ length: 50 }, () => findFunction(ACME, deps)));
    clock += 4999;
    await findFunction(ACME, deps);
    expect(asked).toEqual([functionName(ACME)]);
    clock += 1;
    await findFunction(ACME, deps);
    expect(asked.length).toBe(2);
  });

  test('is made anew after a call that did not reach the function, at most once a second', async () => {
    await findFunction(ACME, deps);
    forgetFunction(ACME, deps);
    await findFunction(ACME, deps);
    expect(asked.length).toBe(1);
    clock += 1000;
    forgetFunction(ACME, deps);
    answer = async () => undefined;
    expect(await findFunction(ACME, deps)).toMatchObject({ kind: 'unknown' });
    expect(asked.length).toBe(2);
  });

  test('finds no other function of the same name, and none that is being deleted', async () => {
    answer = async () => service({ identity: { third_party_id: 'other', parser_id: 'p1' } });
    expect(await findFunction(ACME, deps)).toMatchObject({ kind: 'unknown' });
    const deleting = service();
    answer = async () => ({
      ...deleting,
      metadata: { ...deleting.metadata, deletionTimestamp: '2026-01-02T12:00:00Z' },
    });
    expect(await findFunction(ACME, deps)).toMatchObject({ kind: 'unknown' });
  });

  test('prefers an address on this machine', async () => {
    answer = async () => service({ status: { url: 'http://f.functions.localhost:8080' } });
    expect(await findFunction(ACME, deps)).toMatchObject({ url: 'http://f.functions.localhost:8080' });
    clock += 5000;
    answer = async () => service({ status: { url: 'http://localhost.evil.example' } });
    expect(await findFunction(ACME, deps)).toMatchObject({ url: 'http://f.functions.svc.cluster.local' });
  });

  test('tells no call what it has looked up before that call came', async () => {
    const looking = Promise.withResolvers<ReturnType<typeof service> | undefined>();
    answer = () => looking.promise;
    const early = findFunction(ACME, deps);
    answer = async () => service();
    const late = findFunction(ACME, deps);
    looking.resolve(undefined);
    expect(await early).toMatchObject({ kind: 'unknown' });
    expect(await late).toMatchObject({ kind: 'ready' });
    expect(asked.length).toBe(2);
  });

  test('keeps the last 10,000', async () => {
    for (let n = 0; n < 10_050; n += 1) {
      const identity = { third_party_id: 'acme', parser_id: `p${n}` };
      answer = async () => service({ identity });
      await findFunction(identity, deps);
    }
    expect(deps.known.found.size).toBe(10_000);
    expect(deps.known.asking.size).toBe(0);
  });
});

describe('while the API server is down', () => {
  test('what is known holds for ten minutes', async () => {
    await findFunction(ACME, deps);
    answer = unavailable;
    clock += 599_000;
    expect(await findFunction(ACME, deps)).toMatchObject({ kind: 'ready' });
    clock += 1000;
    await expect(findFunction(ACME, deps)).rejects.toThrow('down');
  });

  test('that a Trigger brings the calls past the door holds for seconds: once it is gone, nobody answers them', async () => {
    const older = service();
    delete older.metadata.annotations?.[DELIVERY_ANNOTATION];
    answer = async () => older;
    expect(await findFunction(ACME, deps)).toEqual({ kind: 'routed' });
    clock += 6000;
    answer = unavailable;
    await expect(findFunction(ACME, deps)).rejects.toThrow(RetryableError);
  });

  test('what is not known is tried again', async () => {
    answer = unavailable;
    await expect(findFunction(ACME, deps)).rejects.toThrow(RetryableError);
    answer = async () => service();
    expect(await findFunction(ACME, deps)).toMatchObject({ kind: 'ready' });
  });

  test('no call waits long for one that hangs, where something is known', async () => {
    await findFunction(ACME, deps);
    answer = never;
    clock += 6000;
    const began = performance.now();
    expect(await findFunction(ACME, deps)).toMatchObject({ kind: 'ready' });
    expect(await findFunction(ACME, deps)).toMatchObject({ kind: 'ready' });
    expect(performance.now() - began).toBeLessThan(1500);
    expect(asked.length).toBe(2);
  });

  test('nobody calls what Kubernetes no longer has while S3 does not say why', async () => {
    await findFunction(ACME, deps);
    answer = async () => undefined;
    deps.store.read = never;
    clock += 6000;
    void findFunction(ACME, deps);
    await new Promise((resolve) => setTimeout(resolve, 0));

    let found: unknown;
    void findFunction(ACME, deps).then((value) => {
      found = value;
    });
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(found).toBeUndefined();
  });

  test('a missing permission is not the event’s fault', async () => {
    answer = async () => {
      throw new PermanentError('Forbidden', 'the door may not');
    };
    await expect(findFunction(ACME, deps)).rejects.toThrow(RetryableError);
  });
});
