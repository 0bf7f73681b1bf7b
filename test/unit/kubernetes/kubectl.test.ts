/** The API as kubectl uses it. Skipped only where there is no kubectl. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { writeKubeconfig } from '#local/kubernetes/write-kubeconfig.ts';
import { type Server, startServer } from './api-server.ts';
import { broker, configMap, job, NAMESPACE, namespace, pod, service, trigger } from './objects.ts';

interface Outcome {
  code: number | null;
  out: string;
  error: string;
}

const READY = [{ type: 'Ready', status: 'True' }];
const SERVICES = 'services.serving.knative.dev';

describe.skipIf(!isInstalled())('kubectl', () => {
  let server: Server;
  let home: string;
  beforeAll(async () => {
    server = await startServer();
    home = await mkdtemp(join(tmpdir(), 'kubectl-'));
    await writeKubeconfig(join(home, 'kubeconfig'), server.url, NAMESPACE);
  });
  afterAll(async () => {
    await server.close();
    await rm(home, { recursive: true });
  });
  beforeEach(() => {
    for (const resource of [
      'configmaps',
      'jobs.batch',
      SERVICES,
      'triggers.eventing.knative.dev',
      'brokers.eventing.knative.dev',
    ]) {
      for (const { metadata } of server.storage.list(resource)) {
        server.storage.remove(resource, metadata.namespace, metadata.name);
      }
    }
    for (const { metadata } of server.storage.list('pods')) {
      server.storage.remove('pods', metadata.namespace, metadata.name, { gracePeriodSeconds: 0 });
    }
  });

  function kubectl(command: string, input?: object | string): Promise<Outcome> {
    const env = { PATH: process.env['PATH'], HOME: home, KUBECONFIG: join(home, 'kubeconfig') };
    // Split at spaces outside quotes.
    const args = (command.match(/'[^']*'|[^ ]+/g) ?? []).map((word) => word.replaceAll("'", ''));
    const child = spawn('kubectl', args, { env, timeout: 20_000 });
    const text: Outcome = { code: null, out: '', error: '' };
    child.stdout.on('data', (chunk) => {
      text.out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      text.error += chunk;
    });
    child.stdin.end(typeof input === 'object' ? JSON.stringify(input) : input);
    return new Promise((done) => child.on('close', (code) => done({ ...text, code })));
  }
  /** What it prints; throws what it says where it fails. */
  async function ok(command: string, input?: object | string): Promise<string> {
    const { code, out, error } = await kubectl(command, input);
    if (code !== 0) {
      throw new Error(`kubectl ${command}: ${error}${out}`);
    }
    return out;
  }
  const columns = (line: string | undefined) => line?.trim().split(/\s{2,}/);

  test('create, label and patch make a Secret and rotate it', async () => {
    const secret = () => server.storage.get('secrets', NAMESPACE, 'db');
    // kubectl would send a Secret that it creates itself in a form that this API does not read.
    const made = await ok('create secret generic db --from-literal=password=one --dry-run=client -o yaml');
    await ok('apply --server-side -f -', made);
    await ok('label secret db knative-lambda/secret-for=functions knative-lambda/third-party-id=acme');
    expect(secret()).toMatchObject({
      metadata: { labels: { 'knative-lambda/secret-for': 'functions', 'knative-lambda/third-party-id': 'acme' } },
      data: { password: Buffer.from('one').toString('base64') },
    });
    const before = secret()?.metadata.resourceVersion;
    await ok(`patch secret db -p '{"stringData":{"password":"two"}}'`);
    expect(secret()?.['data']).toEqual({ password: Buffer.from('two').toString('base64') });
    expect(secret()?.['stringData']).toBeUndefined();
    expect(secret()?.metadata.resourceVersion).not.toBe(before);
    const again = await ok('create secret generic db --from-literal=password=three --dry-run=client -o yaml');
    await ok('apply --server-side --force-conflicts -f -', again);
    expect(secret()?.['data']).toEqual({ password: Buffer.from('three').toString('base64') });
    await ok('delete secret db');
  });

  test('get shows each kind as a table', async () => {
    server.storage.create(service('fn'));
    server.storage.updateStatus(SERVICES, NAMESPACE, 'fn', { url: 'http://fn', conditions: READY });
    server.storage.create(job('build'));
    server.storage.create(pod('p'));
    const [header, row] = (await ok('get ksvc')).split('\n');
    expect(columns(header)).toEqual(['NAME', 'URL', 'LATESTCREATED', 'LATESTREADY', 'READY', 'REASON']);
    expect(columns(row)).toEqual(['fn', 'http://fn', 'True']);
    const all = await ok('get ksvc,jobs,pods,triggers,brokers');
    for (const text of ['service.serving.knative.dev/fn', 'job.batch/build', 'pod/p', 'Pending']) {
      expect(all).toContain(text);
    }
    expect(await ok('get all')).toContain('service.serving.knative.dev/fn');
  });

  test('get prints in every form', async () => {
    server.storage.create(configMap('a', { x: '1' }, { labels: { app: 'x' } }));
    server.storage.create(configMap('b', { x: '2' }, { labels: { app: 'y' } }));
    expect(JSON.parse(await ok('get cm a -o json'))).toMatchObject({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      data: { x: '1' },
    });
    expect(await ok('get cm a -o yaml')).toContain('kind: ConfigMap');
    expect(await ok('get cm -o name')).toBe('configmap/a\nconfigmap/b\n');
    expect(await ok("get cm -o 'jsonpath={.items[*].data.x}'")).toBe('1 2');
    expect(columns((await ok('get cm -o custom-columns=N:.metadata.name,X:.data.x')).split('\n')[1])).toEqual([
      'a',
      '1',
    ]);
    expect(await ok("get cm -l 'app in (x,z)' -o name")).toBe('configmap/a\n');
    expect(await ok('get cm --field-selector metadata.name=b -A -o name')).toBe('configmap/b\n');
    expect(await ok('get cm --sort-by=.data.x --show-labels')).toContain('app=y');
    expect(await kubectl('get cm nope')).toMatchObject({
      code: 1,
      error: 'Error from server (NotFound): configmaps "nope" not found\n',
    });
  });

  test('api-resources lists short names', async () => {
    expect((await ok('api-resources')).split('\n').map(columns)).toContainEqual([
      'services',
      'kservice,ksvc',
      'serving.knative.dev/v1',
      'true',
      'Service',
    ]);
  });

  test('describe tells of built-in kinds and custom ones', async () => {
    server.storage.create(job('build'));
    server.storage.create(service('fn'));
    server.storage.create(pod('p'));
    expect(await ok('describe job build')).toMatch(/Backoff Limit:\s+6/);
    expect(await ok('describe ksvc fn')).toMatch(/API Version:\s+serving\.knative\.dev\/v1/);
    expect(await ok('describe pod p')).toMatch(/Image:\s+app:1/);
    expect(await ok(`describe ns ${NAMESPACE}`)).toMatch(/Status:\s+Active/);
  });

  test('apply creates, changes, leaves alone and takes away', async () => {
    expect(await ok('apply -f -', configMap('a', { x: '1', y: '1' }))).toBe('configmap/a created\n');
    expect(await ok('apply -f -', configMap('a', { x: '1', y: '1' }))).toBe('configmap/a unchanged\n');
    expect(await ok('apply -f -', configMap('a', { x: '2' }))).toBe('configmap/a configured\n');
    expect(server.storage.get('configmaps', NAMESPACE, 'a')?.['data']).toEqual({ x: '2' });
    await ok('apply -f -', job('build', { suspend: true }));
    await ok('apply -f -', job('build', { suspend: false }));
    expect(server.storage.get('jobs.batch', NAMESPACE, 'build')?.metadata.generation).toBe(2);
    const list = { apiVersion: 'v1', kind: 'List', items: [broker('default'), trigger('t'), service('fn')] };
    expect((await ok('apply -f -', list)).trim().split('\n')).toHaveLength(3);
    expect(await kubectl('apply -f -', trigger('t', { filter: {} }))).toMatchObject({
      code: 1,
      error: expect.stringContaining('spec.filter: is immutable'),
    });
  });

  test('apply --server-side owns fields and meets conflicts', async () => {
    expect(await ok('apply --server-side -f -', service('fn'))).toBe(
      'service.serving.knative.dev/fn serverside-applied\n',
    );
    const other = service('fn', {}, { image: 'example.com/app:2' });
    const refused = await kubectl('apply --server-side --field-manager=other -f -', other);
    expect(refused.error).toContain('conflict with "kubectl"');
    expect(refused.error).toContain('.spec.template.spec.containers');
    await ok('apply --server-side --field-manager=other --force-conflicts -f -', other);
    expect(await ok('get ksvc fn -o yaml --show-managed-fields')).toContain('manager: other');
  });

  test('create and replace; a dry run is refused', async () => {
    await ok('create -f -', configMap('a', { x: '1' }));
    expect(await kubectl('apply --server-side --dry-run=server -f -', configMap('a', { x: '3' }))).toMatchObject({
      code: 1,
      error: expect.stringContaining('no dry runs'),
    });
    await ok('replace -f -', configMap('a', { x: '2' }));
    expect(server.storage.get('configmaps', NAMESPACE, 'a')?.['data']).toEqual({ x: '2' });
    expect(await kubectl('create -f -', configMap('a'))).toMatchObject({
      code: 1,
      error: expect.stringContaining('AlreadyExists'),
    });
    expect(await kubectl('create -f -', configMap('A'))).toMatchObject({
      code: 1,
      error: expect.stringContaining('The ConfigMap "A" is invalid'),
    });
  });

  test('patch, label and annotate', async () => {
    server.storage.create(job('build'));
    const read = () => server.storage.get('jobs.batch', NAMESPACE, 'build');
    await ok(`patch job build -p '{"spec":{"suspend":true}}'`);
    await ok(`patch job build --type=merge -p '{"spec":{"backoffLimit":1}}'`);
    const failing = `patch job build --type=json -p '[{"op":"test","path":"/spec/suspend","value":false}]'`;
    expect(await kubectl(failing)).toMatchObject({ code: 1, error: expect.stringContaining('test failed') });
    await ok(`patch job build --type=json -p '[{"op":"add","path":"/spec/activeDeadlineSeconds","value":9}]'`);
    await ok(`patch job build --subresource=status --type=merge -p '{"status":{"active":1}}'`);
    await ok('label job build app=x');
    await ok('annotate job build note=y');
    await ok('label job build app-');
    expect(read()).toMatchObject({
      spec: { suspend: true, backoffLimit: 1, activeDeadlineSeconds: 9 },
      status: { active: 1 },
      metadata: { labels: {}, annotations: { note: 'y' } },
    });
    expect(read()?.metadata.labels).not.toHaveProperty('app');
  });

  test('delete waits for what is held, and takes dependents first where told to', async () => {
    const owner = server.storage.create(job('build'));
    const ownerReferences = [
      { apiVersion: 'batch/v1', kind: 'Job', name: 'build', uid: owner.metadata.uid ?? '', blockOwnerDeletion: true },
    ];
    server.storage.create(pod('p', { ownerReferences }, { nodeName: 'node' }));
    const stop = server.storage.watch('pods', ({ object: { metadata } }) => {
      // A kubelet, in short.
      if (metadata.deletionTimestamp) {
        setTimeout(() => server.storage.remove('pods', NAMESPACE, metadata.name, { gracePeriodSeconds: 0 }), 100);
      }
    });
    expect(await ok('delete job build --cascade=foreground --wait --timeout=10s')).toContain(
      'job.batch "build" deleted',
    );
    stop();
    expect(server.storage.list('pods')).toEqual([]);
    server.storage.create(configMap('held', {}, { finalizers: ['test/hold'] }));
    expect((await kubectl('delete cm held --timeout=1s')).code).toBe(1);
    await ok(`patch cm held --type=merge -p '{"metadata":{"finalizers":null}}'`);
    server.storage.create(namespace('gone'));
    expect(await ok('delete ns gone --timeout=10s')).toContain('deleted');
  });

  test('wait and get --watch follow changes', async () => {
    server.storage.create(service('fn'));
    const waiting = ok('wait --for=condition=Ready ksvc/fn --timeout=15s');
    const watching = ok('get ksvc -w --request-timeout=3s');
    const ready = setTimeout(
      () => server.storage.updateStatus(SERVICES, NAMESPACE, 'fn', { url: 'http://late', conditions: READY }),
      1000,
    );
    expect(await waiting).toContain('condition met');
    expect(await watching).toContain('http://late');
    clearTimeout(ready);
    expect((await kubectl('wait --for=condition=Ready ksvc/nope --timeout=1s')).code).toBe(1);
    server.storage.create(configMap('a'));
    const gone = ok('wait --for=delete cm/a --timeout=15s');
    setTimeout(() => server.storage.remove('configmaps', NAMESPACE, 'a'), 500);
    await gone;
  });

  test('logs, of a pod and of a Job’s', async () => {
    const owner = server.storage.create(job('build'));
    const labels = owner['spec'].template.metadata.labels;
    const ownerReferences = [
      { apiVersion: 'batch/v1', kind: 'Job', name: 'build', uid: owner.metadata.uid ?? '', controller: true },
    ];
    server.storage.create(pod('p', { labels, ownerReferences }, { nodeName: 'node' }));
    server.storage.updateStatus('pods', NAMESPACE, 'p', {
      phase: 'Running',
      containerStatuses: [{ name: 'main', state: { running: {} } }],
    });
    server.logs.set('p/main', 'one\ntwo\n');
    expect(await ok('logs p -c main')).toBe('one\ntwo\n');
    expect(await ok('logs p --tail=1')).toBe('two\n');
    expect(await ok('logs job/build')).toBe('one\ntwo\n');
    const followed = ok('logs -f p');
    await new Promise((done) => setTimeout(done, 300));
    server.logs.set('p/main', 'one\ntwo\nthree\n');
    server.storage.updateStatus('pods', NAMESPACE, 'p', {
      phase: 'Succeeded',
      containerStatuses: [{ name: 'main', state: { terminated: { exitCode: 0 } } }],
    });
    expect(await followed).toBe('one\ntwo\nthree\n');
  });

  test('what it would send as protobuf is refused with what to do instead', async () => {
    expect((await kubectl('create configmap a --from-literal=x=1')).error).toContain('--dry-run=client -o yaml');
    const yaml = await ok('create configmap a --from-literal=x=1 --dry-run=client -o yaml');
    expect(await ok('apply -f -', yaml)).toBe('configmap/a created\n');
  });
});

function isInstalled(): boolean {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
