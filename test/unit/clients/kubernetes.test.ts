/** Cluster over HTTP: against the embedded API, and against one that is ill. */
import { KubeConfig, type V1Job } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startKubernetesApi } from '#local/kubernetes/start-kubernetes-api.ts';
import { createStorage, type Storage } from '#local/kubernetes/storage.ts';
import { type KnativeObject, NOT_THERE } from '#shared/clients/cluster.ts';
import { createCluster } from '#shared/clients/kubernetes.ts';
import { type Answer, deadUrl, type ScriptedServer, scriptedServer } from './scripted-server.ts';

const NAMESPACE = 'functions';
const BUILDS_NAMESPACE = 'builds';
const TOKEN = 'do-not-tell-anybody';

function connect(server: string, timeout = 10_000) {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser({ name: 'test', server, skipTLSVerify: true }, { name: 'test', token: TOKEN });
  return createCluster({ NAMESPACE, BUILDS_NAMESPACE }, { kubeConfig, timeout });
}

describe('against the embedded API', () => {
  let storage: Storage;
  let api: Awaited<ReturnType<typeof startKubernetesApi>>;
  let cluster: ReturnType<typeof connect>;

  beforeAll(async () => {
    storage = createStorage();
    for (const name of [NAMESPACE, BUILDS_NAMESPACE]) {
      storage.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
    api = await startKubernetesApi({ storage, logs: { read: async () => Buffer.from('line 1\nline 2\n') }, port: 0 });
    cluster = connect(api.url);
  });
  afterAll(async () => {
    await cluster.close();
    await api.close();
  });

  const job = (name: string, metadata: V1Job['metadata'] = {}): V1Job => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: BUILDS_NAMESPACE, labels: { app: name }, ...metadata },
    spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } },
  });
  const service = (name: string, image = 'one', resourceVersion?: string): KnativeObject => ({
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name, namespace: NAMESPACE, labels: { app: name }, ...(resourceVersion ? { resourceVersion } : {}) },
    spec: { template: { spec: { containers: [{ image }] } } },
  });

  test('Jobs are listed without spec and status, their times as strings', async () => {
    await cluster.createJob(job('metadata-alone', { annotations: { a: '1' } }));
    expect(await cluster.listJobMetadata('app=nobody')).toEqual([]);
    const [found, ...others] = await cluster.listJobMetadata('app=metadata-alone');
    expect(others).toEqual([]);
    expect(Object.keys(found ?? {})).toEqual(['metadata']);
    expect(found?.metadata).toMatchObject({
      name: 'metadata-alone',
      uid: expect.any(String),
      labels: { app: 'metadata-alone' },
      annotations: { a: '1' },
      creationTimestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(found?.metadata).not.toHaveProperty('managedFields');
  });

  test('Secrets are read and listed without their values', async () => {
    const value = Buffer.from(TOKEN).toString('base64');
    const annotations = { a: '1', 'kubectl.kubernetes.io/last-applied-configuration': `{"data":{"key":"${value}"}}` };
    for (const name of ['one', 'two']) {
      const metadata = { name, namespace: NAMESPACE, labels: { app: name }, annotations };
      storage.create({ apiVersion: 'v1', kind: 'Secret', metadata, data: { key: value, 'other.key': value } });
    }
    const metadata = {
      name: 'one',
      uid: expect.any(String),
      resourceVersion: expect.any(String),
      labels: { app: 'one' },
      annotations: { a: '1' },
    };
    expect(await cluster.getSecretKeys('one')).toEqual({ metadata, keys: ['key', 'other.key'] });
    expect(await cluster.getSecretKeys('missing')).toBeUndefined();
    expect(await cluster.listSecretMetadata('app=one')).toEqual([{ metadata }]);
    expect(await cluster.listSecretMetadata('app=nobody')).toEqual([]);
    expect(await cluster.listSecretMetadata('app')).toHaveLength(2);
  });

  test('of two that change a Lease from the same version one is told of a conflict', async () => {
    expect(await cluster.getLease('admission')).toBeUndefined();
    storage.create({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'admission', namespace: BUILDS_NAMESPACE },
    });
    const lease = (await cluster.getLease('admission')) ?? {};
    const granting = (to: string) => ({ ...lease, metadata: { ...lease.metadata, annotations: { granted: to } } });
    await cluster.replaceLease(granting('first'));
    await expect(cluster.replaceLease(granting('second'))).rejects.toMatchObject({ reason: 'Conflict' });
    expect((await cluster.getLease('admission'))?.metadata?.annotations).toEqual({ granted: 'first' });
  });

  test('a Job is created once, read, listed', async () => {
    expect(await cluster.createJob(job('once'))).toBe(true);
    expect(await cluster.createJob(job('once'))).toBe(false);
    const found = await cluster.getJob('once');
    expect(found?.metadata?.creationTimestamp).toBeInstanceOf(Date);
    expect((await cluster.listJobs('app=once')).map(({ metadata }) => metadata?.name)).toEqual(['once']);
    expect(await cluster.listJobs('app=other')).toEqual([]);
  });

  test('what is missing is no error', async () => {
    expect(await cluster.getJob('missing')).toBeUndefined();
    expect(await cluster.getService('missing')).toBeUndefined();
    expect(await cluster.getTrigger('missing')).toBeUndefined();
    expect(await cluster.getPod('missing')).toBeUndefined();
    expect(await cluster.patchJob('missing', { metadata: { labels: { a: 'b' } } })).toBe(false);
    expect(await cluster.deleteJob('missing')).toBe(false);
    expect(await cluster.deleteService('missing')).toBe(false);
    expect(await cluster.deleteTrigger('missing', { uid: 'x', resourceVersion: '1' })).toBe(false);
  });

  test('a patch of a version that has passed is a conflict', async () => {
    await cluster.createJob(job('patched'));
    const resourceVersion = (await cluster.getJob('patched'))?.metadata?.resourceVersion;
    const patch = (value: string) => ({
      metadata: { resourceVersion, annotations: { 'knative-lambda/ended': value } },
    });
    expect(await cluster.patchJob('patched', patch('first'))).toBe(true);
    await expect(cluster.patchJob('patched', patch('second'))).rejects.toMatchObject({
      name: 'RetryableError',
      reason: 'Conflict',
    });
    expect((await cluster.getJob('patched'))?.metadata?.annotations).toEqual({ 'knative-lambda/ended': 'first' });
  });

  test('a finalizer keeps a deleted Job; another’s uid spares it', async () => {
    const finalizer = 'knative-lambda/terminal-event';
    await cluster.createJob(job('kept', { finalizers: [finalizer] }));
    const kept = await cluster.getJob('kept');
    expect(await cluster.deleteJob('kept', 'another-uid')).toBe(false);
    expect((await cluster.getJob('kept'))?.metadata?.deletionTimestamp).toBeUndefined();
    expect(await cluster.deleteJob('kept', kept?.metadata?.uid)).toBe(true);
    const deleted = await cluster.getJob('kept');
    expect(deleted?.metadata?.deletionTimestamp).toBeInstanceOf(Date);
    const finalizers = deleted?.metadata?.finalizers?.filter((name) => name !== finalizer) ?? [];
    await cluster.patchJob('kept', { metadata: { finalizers } });
    await expect.poll(() => cluster.getJob('kept')).toBeUndefined();
  });

  test('a Service is applied, and applied again; each time it is the whole of it', async () => {
    const first = await cluster.applyService(service('applied'));
    expect(first.metadata.uid).toBeDefined();
    const second = await cluster.applyService(service('applied', 'two', first.metadata.resourceVersion));
    expect(second.spec.template.spec.containers[0].image).toBe('two');
    expect((await cluster.listServices('app=applied')).map(({ metadata }) => metadata.name)).toEqual(['applied']);
    await expect(
      cluster.applyService(service('applied', 'three', first.metadata.resourceVersion)),
    ).rejects.toMatchObject({
      reason: 'Conflict',
    });
    expect((await cluster.getService('applied'))?.spec.template.spec.containers[0].image).toBe('two');
  });

  test('an apply to what is not there creates, and is a conflict where there is something', async () => {
    const first = await cluster.applyService(service('created', 'one', NOT_THERE));
    await expect(cluster.applyService(service('created', 'two', NOT_THERE))).rejects.toMatchObject({
      reason: 'Conflict',
    });
    const { metadata, spec } = await cluster.applyService(service('created', 'three', first.metadata.resourceVersion));
    expect(metadata.uid).toBe(first.metadata.uid);
    expect(spec.template.spec.containers[0].image).toBe('three');
  });

  test('a field of somebody else’s is taken over', async () => {
    await cluster.applyService(service('taken'));
    const theirs = storage.get('services.serving.knative.dev', NAMESPACE, 'taken');
    if (!theirs) {
      throw new Error('no service');
    }
    theirs['spec'].template.spec.containers[0].image = 'theirs';
    storage.update(theirs);
    expect((await cluster.applyService(service('taken', 'ours'))).spec.template.spec.containers[0].image).toBe('ours');
  });

  test('a delete that names a version which has passed is a conflict', async () => {
    const { metadata } = await cluster.applyService(service('versioned'));
    const version = { uid: metadata.uid ?? '', resourceVersion: metadata.resourceVersion ?? '' };
    await cluster.applyService(service('versioned', 'two'));
    await expect(cluster.deleteService('versioned', version)).rejects.toMatchObject({ reason: 'Conflict' });
    const current = (await cluster.getService('versioned'))?.metadata;
    expect(
      await cluster.deleteService('versioned', {
        uid: current?.uid ?? '',
        resourceVersion: current?.resourceVersion ?? '',
      }),
    ).toBe(true);
    expect(await cluster.getService('versioned')).toBeUndefined();
  });

  test('a Trigger is applied, read and deleted', async () => {
    await cluster.applyTrigger({
      apiVersion: 'eventing.knative.dev/v1',
      kind: 'Trigger',
      metadata: { name: 'trigger', namespace: NAMESPACE },
      spec: { broker: 'default', subscriber: { uri: 'http://x' } },
    });
    expect((await cluster.getTrigger('trigger'))?.spec.broker).toBe('default');
    expect(await cluster.deleteTrigger('trigger')).toBe(true);
  });

  test('the log of a container is read', async () => {
    storage.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'pod', namespace: BUILDS_NAMESPACE, labels: { app: 'pod' } },
      spec: { containers: [{ name: 'kaniko', image: 'i' }] },
    });
    expect((await cluster.listPods('app=pod')).map(({ metadata }) => metadata?.name)).toEqual(['pod']);
    expect(await cluster.listFunctionPods('app=pod')).toEqual([]);
    expect(await cluster.readLog('pod', 'kaniko', 1000)).toBe('line 1\nline 2\n');
  });
});

const status = (code: number, reason: string, message: string, details?: object): Answer => ({
  status: code,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, details }),
});

describe('against an API that is ill', () => {
  let server: ScriptedServer;
  let cluster: ReturnType<typeof connect>;
  afterEach(async () => {
    await cluster.close();
    await server?.close();
  });

  async function given(answer: () => Answer | undefined, timeout?: number): Promise<void> {
    server = await scriptedServer(answer);
    cluster = connect(server.url, timeout);
  }

  test.each<{ case: string; answer: Answer; name: string; reason: string; retryAfter?: number; says?: string }>([
    {
      case: '500',
      answer: status(500, 'InternalError', 'etcd is gone'),
      name: 'RetryableError',
      reason: 'Unavailable',
      says: 'etcd is gone',
    },
    { case: '503', answer: { status: 503, body: 'no endpoints' }, name: 'RetryableError', reason: 'Unavailable' },
    {
      case: '429, by its body',
      answer: status(429, 'TooManyRequests', 'slow down', { retryAfterSeconds: 3 }),
      name: 'RetryableError',
      reason: 'Throttled',
      retryAfter: 3,
    },
    {
      case: '429, by its header',
      answer: { status: 429, headers: { 'retry-after': '2' }, body: '' },
      name: 'RetryableError',
      reason: 'Throttled',
      retryAfter: 2,
    },
    {
      case: '401: the token is being rotated',
      answer: status(401, 'Unauthorized', 'Unauthorized'),
      name: 'RetryableError',
      reason: 'Unavailable',
    },
    {
      case: '403',
      answer: status(403, 'Forbidden', 'jobs.batch is forbidden: User "x" cannot create'),
      name: 'PermanentError',
      reason: 'Forbidden',
      says: 'kubectl auth can-i',
    },
    {
      case: '403: quota',
      answer: status(403, 'Forbidden', 'jobs.batch "x" is forbidden: exceeded quota: builds'),
      name: 'RetryableError',
      reason: 'Throttled',
      retryAfter: 60,
    },
    {
      case: 'admission',
      answer: status(403, 'Forbidden', 'admission webhook "policy" denied the request: no'),
      name: 'PermanentError',
      reason: 'Refused',
      says: 'denied the request: no',
    },
    {
      case: '422',
      answer: status(422, 'Invalid', 'spec.x: is wrong'),
      name: 'PermanentError',
      reason: 'Refused',
      says: 'spec.x: is wrong',
    },
    { case: '409 Conflict', answer: status(409, 'Conflict', 'modified'), name: 'RetryableError', reason: 'Conflict' },
    {
      case: '404 of the namespace',
      answer: status(404, 'NotFound', 'namespaces "builds" not found'),
      name: 'PermanentError',
      reason: 'Refused',
      says: 'namespaces "builds"',
    },
    {
      case: 'a page of HTML',
      answer: { status: 502, headers: { 'content-type': 'text/html' }, body: `<html>${TOKEN}</html>` },
      name: 'RetryableError',
      reason: 'Unavailable',
      says: 'HTTP 502',
    },
  ])('$case: $name $reason, and nobody’s secrets', async ({ answer, name, reason, retryAfter, says }) => {
    await given(() => answer);
    const failure = await cluster.createJob({ metadata: { name: 'x' } }).catch((thrown: Error) => thrown);
    expect(failure).toMatchObject({ name, reason, ...(retryAfter ? { retryAfter } : {}) });
    expect((failure as Error).message).toContain(says ?? 'creating Job x');
    const told = [
      JSON.stringify(failure),
      (failure as Error).message,
      (failure as Error).stack,
      String((failure as Error).cause),
    ];
    expect(told.join()).not.toContain(TOKEN);
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`);
  });

  test('a long message is cut', async () => {
    await given(() => status(422, 'Invalid', 'x'.repeat(5000)));
    const failure = await cluster.getJob('x').catch((thrown: Error) => thrown);
    expect((failure as Error).message.length).toBeLessThan(800);
  });

  test('nobody answers', async () => {
    cluster = connect(await deadUrl());
    await expect(cluster.getJob('x')).rejects.toMatchObject({
      name: 'RetryableError',
      reason: 'Unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('it takes the request and says nothing', async () => {
    await given(() => undefined, 100);
    await expect(cluster.getJob('x')).rejects.toMatchObject({
      name: 'RetryableError',
      reason: 'Unavailable',
      message: expect.stringContaining('no answer in time'),
    });
  });

  test('an answer that breaks off is none', async () => {
    server = await scriptedServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"half":');
      setTimeout(() => response.destroy(), 10);
      return undefined;
    });
    cluster = connect(server.url);
    await expect(cluster.getJob('x')).rejects.toMatchObject({ name: 'RetryableError', reason: 'Unavailable' });
    expect(server.requests).toHaveLength(3);
  });

  const knative: KnativeObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' } };
  const versioned: KnativeObject = { ...knative, metadata: { name: 'x', resourceVersion: '7' } };
  test.each<{ case: string; attempts: number; ask: (of: typeof cluster) => Promise<unknown> }>([
    { case: 'a reading', attempts: 3, ask: (of) => of.getJob('x') },
    { case: 'a listing', attempts: 3, ask: (of) => of.listServices('a=b') },
    { case: 'a creation', attempts: 3, ask: (of) => of.createJob({ metadata: { name: 'x' } }) },
    {
      case: 'a patch of a version',
      attempts: 3,
      ask: (of) => of.patchJob('x', { metadata: { resourceVersion: '7' } }),
    },
    { case: 'a patch of any version', attempts: 1, ask: (of) => of.patchJob('x', { metadata: { labels: {} } }) },
    { case: 'an apply to a version', attempts: 3, ask: (of) => of.applyService(versioned) },
    { case: 'an apply to whatever is there', attempts: 1, ask: (of) => of.applyService(knative) },
    { case: 'the deletion of one object', attempts: 3, ask: (of) => of.deleteJob('x', 'uid-1') },
    { case: 'the deletion of whatever has the name', attempts: 1, ask: (of) => of.deleteJob('x') },
    {
      case: 'the deletion of a version',
      attempts: 3,
      ask: (of) => of.deleteTrigger('x', { uid: 'u', resourceVersion: '7' }),
    },
  ])('$case is sent $attempts times', async ({ attempts, ask }) => {
    await given(() => status(503, 'ServiceUnavailable', 'starting'));
    await expect(ask(cluster)).rejects.toMatchObject({ name: 'RetryableError', reason: 'Unavailable' });
    expect(server.requests).toHaveLength(attempts);
    expect(new Set(server.requests.map(({ body }) => body)).size).toBe(1);
  });

  test('a blip is not seen', async () => {
    await given(() =>
      server.requests.length < 3
        ? status(500, 'InternalError', 'etcdserver: leader changed')
        : { status: 200, headers: { 'content-type': 'application/json' }, body: '{"metadata":{"name":"x"}}' },
    );
    expect((await cluster.getJob('x'))?.metadata?.name).toBe('x');
  });

  test('a creation that was done, and whose answer was lost, says the Job is there', async () => {
    await given(() =>
      server.requests.length === 1 ? { status: 504 } : status(409, 'AlreadyExists', 'jobs.batch "x" already exists'),
    );
    expect(await cluster.createJob({ metadata: { name: 'x' } })).toBe(false);
  });

  test('a change that was done, and whose answer was lost, is a conflict with itself', async () => {
    await given(() => (server.requests.length === 1 ? { status: 504 } : status(409, 'Conflict', 'modified')));
    const patch = { metadata: { resourceVersion: '7' } };
    await expect(cluster.patchJob('x', patch)).rejects.toMatchObject({ reason: 'Conflict' });
  });

  test('one that keeps failing is left alone for a while; refusals are no failures', async () => {
    // Its pause is over when the test says so, however slow the machine.
    vi.useFakeTimers({ toFake: ['Date'] });
    await given(() =>
      server.requests.length <= 10 ? status(404, 'NotFound', 'no') : status(503, 'ServiceUnavailable', 'starting'),
    );
    for (let n = 0; n < 10; n++) {
      expect(await cluster.getJob('x')).toBeUndefined();
    }
    await expect(cluster.getJob('x')).rejects.toThrow('starting');
    await expect(cluster.getJob('x')).rejects.toThrow('starting');
    const asked = server.requests.length;
    await expect(cluster.getJob('x')).rejects.toMatchObject({
      name: 'RetryableError',
      reason: 'Unavailable',
      retryAfter: 1,
      message: expect.stringMatching(
        /^Kubernetes has failed 5 times in a row, at last with HTTP 503.*kubectl get --raw/,
      ),
    });
    expect([asked, server.requests.length]).toEqual([15, 15]);
    vi.setSystemTime(Date.now() + 1000);
    await expect(cluster.getJob('x')).rejects.toThrow('starting');
    expect(server.requests).toHaveLength(16);
    vi.useRealTimers();
  });
});

test('twenty requests share connections, and say who asks', async () => {
  const server = await scriptedServer(() => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'x' } }),
  }));
  const cluster = connect(server.url);
  for (let n = 0; n < 20; n++) {
    await cluster.getJob('x');
  }
  expect(server.connections()).toBeLessThanOrEqual(2);
  expect(server.requests[0]?.headers['user-agent']).toBe('knative-lambda');
  await cluster.close();
  await server.close();
});

test('what is sent: how patches and deletions are marked', async () => {
  const server = await scriptedServer(() => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Success' }),
  }));
  const cluster = connect(server.url);
  await cluster.patchJob('x', { metadata: {} });
  await cluster.deleteJob('x', 'uid-1');
  await cluster.applyService({ apiVersion: 'serving.knative.dev/v1', kind: 'Service', metadata: { name: 'x' } });
  await cluster.deleteTrigger('x', { uid: 'u', resourceVersion: '7' });
  const [patch, remove, apply, trigger] = server.requests;
  expect(patch?.headers['content-type']).toBe('application/merge-patch+json');
  expect(JSON.parse(remove?.body ?? '')).toEqual({ propagationPolicy: 'Foreground', preconditions: { uid: 'uid-1' } });
  expect(apply?.headers['content-type']).toBe('application/apply-patch+yaml');
  expect(apply?.url).toContain('fieldManager=knative-lambda');
  expect(apply?.url).toContain('force=true');
  expect(JSON.parse(trigger?.body ?? '')).toEqual({
    propagationPolicy: 'Background',
    preconditions: { uid: 'u', resourceVersion: '7' },
  });
  await cluster.close();
  await server.close();
});
