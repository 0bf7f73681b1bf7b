/** What killed runs of the suite leave, and how the next one tells them from those that go on. */
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CoordinationV1Api,
  CoreV1Api,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  V1MicroTime,
} from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeKubeconfig } from '#local/kubernetes/write-kubeconfig.ts';
import { startS3 } from '#local/s3.ts';
import { forgetPrincipals } from '#test/e2e/principals.ts';
import { clearBuckets, removeObjects } from '#test/e2e/remove-traces.ts';
import { deadRuns, isAlive, takeRunLease } from '#test/e2e/run-lease.ts';
import { type Server, startServer } from '#test/unit/kubernetes/api-server.ts';
import { NAMESPACE } from '#test/unit/kubernetes/objects.ts';

let server: Server;
let directory: string;
let config: KubeConfig;
beforeEach(async () => {
  server = await startServer();
  directory = await mkdtemp(join(tmpdir(), 'runs-'));
  await writeKubeconfig(join(directory, 'kubeconfig'), server.url, NAMESPACE);
  config = new KubeConfig();
  config.loadFromFile(join(directory, 'kubeconfig'));
});
afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

/** As the API gives it to us. */
const secondsAgo = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString() as never;
/** Above the largest that Linux gives. */
const NO_PROCESS = 2 ** 22 + 1;

describe('a run is alive', () => {
  const alive = (holderIdentity: string, seconds: number) =>
    isAlive({ spec: { holderIdentity, renewTime: secondsAgo(seconds) } }, Date.now());

  test('while its heart beats', () => {
    expect(alive('elsewhere/1', 100)).toBe(true);
    expect(alive('elsewhere/1', 200)).toBe(false);
    expect(isAlive({ spec: {} }, Date.now())).toBe(false);
  });

  test('and, on this machine, while its process is there', () => {
    expect(alive(`${hostname()}/${process.pid}`, 5)).toBe(true);
    expect(alive(`${hostname()}/${NO_PROCESS}`, 5)).toBe(false);
  });
});

test('a run that ends releases its Lease; one that a signal has ended is found dead', async () => {
  const api = config.makeApiClient(CoordinationV1Api);
  const orphaned = () => undefined;
  const [ended, stopped] = [await takeRunLease(api, NAMESPACE, orphaned), await takeRunLease(api, NAMESPACE, orphaned)];
  expect(await deadRuns(api, NAMESPACE)).toEqual([]);

  await ended.release();
  stopped.abandon();
  const name = `e2e-run-${stopped.run}`;
  const lease = await api.readNamespacedLease({ name, namespace: NAMESPACE });
  const spec = { renewTime: new V1MicroTime(), holderIdentity: `${hostname()}/${NO_PROCESS}` };
  await api.replaceNamespacedLease({ name, namespace: NAMESPACE, body: { ...lease, spec } });

  expect(await deadRuns(api, NAMESPACE)).toEqual([stopped.run]);
});

test('all that names a dead run goes, and nothing that names another', async () => {
  const objects = KubernetesObjectApi.makeApiClient(config);
  const of = (run: string): KubernetesObject[] => {
    const metadata = (name: string, more: object = {}) => ({ name, namespace: NAMESPACE, ...more });
    const spec = { broker: 'default', subscriber: { uri: `http://e2e-probe-${run}.ns.svc/answer/500/x` } };
    const labels = { 'knative-lambda/third-party-id': `installing-${run}` };
    return [
      {
        apiVersion: 'eventing.knative.dev/v1',
        kind: 'Trigger',
        metadata: metadata(`by-${run.length}-${run[1]}`),
        spec,
      },
      { apiVersion: 'v1', kind: 'Secret', metadata: metadata(`secret-${run[1]}`, { labels }) },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata(`suite-acme-${run}`) },
    ] as KubernetesObject[];
  };
  for (const object of [...of('raaaaaa'), ...of('rbbbbbb')]) {
    await objects.create(object);
  }

  await removeObjects('raaaaaa', NAMESPACE, objects);

  for (const object of of('raaaaaa')) {
    await expect(objects.read(object as never)).rejects.toThrow('404');
  }
  for (const object of of('rbbbbbb')) {
    await expect(objects.read(object as never)).resolves.toBeTruthy();
  }
});

test('a run that goes on keeps its probe', async () => {
  const objects = KubernetesObjectApi.makeApiClient(config);
  const account = (name: string) => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace: NAMESPACE },
  });
  await objects.create(account('e2e-probe-raaaaaa'));
  await objects.create(account('other-raaaaaa'));

  await removeObjects('raaaaaa', NAMESPACE, objects, 'e2e-probe-raaaaaa');

  await expect(objects.read(account('e2e-probe-raaaaaa'))).resolves.toBeTruthy();
  await expect(objects.read(account('other-raaaaaa'))).rejects.toThrow('404');
});

test("a dead run's principals go, those of others stay", async () => {
  const core = config.makeApiClient(CoreV1Api);
  const name = 'knative-lambda-principals';
  const principal = (id: string) => ({ name: id, tokens: [{ service_account: `ns/suite-${id}` }] });
  const data = { 'principals.yaml': JSON.stringify({ principals: [principal('acme-raaaaaa'), principal('globex')] }) };
  await core.createNamespacedConfigMap({ namespace: NAMESPACE, body: { metadata: { name }, data } });

  await forgetPrincipals(core, NAMESPACE, 'raaaaaa');
  await forgetPrincipals(core, NAMESPACE, 'rbbbbbb');

  const after = await core.readNamespacedConfigMap({ name, namespace: NAMESPACE });
  expect(after.data?.['principals.yaml']).toBe(
    'principals:\n  - name: globex\n    tokens:\n      - service_account: ns/suite-globex\n',
  );
});

test.each(['global/parser/{parser_id}/', 'global/parser/{third_party_id}/{parser_id}/'])(
  'of its sources below %s, its contexts and logs nothing stays',
  async (sourcePrefix) => {
    const s3 = await startS3({ directory: join(directory, 's3'), buckets: ['source', 'tmp'] });
    const credentials = { accessKeyId: 'test', secretAccessKey: 'testtesttest' };
    const reached = { region: 'us-east-1', endpoint: s3.url, credentials };
    const client = new S3Client({ ...reached, forcePathStyle: true });
    const keysOf = (run: string) => [
      ['source', `${sourcePrefix.replace('{third_party_id}', 'acme').replace('{parser_id}', `p-${run}-1`)}main.py`],
      ['tmp', `contexts/acme/p-${run}-1/abc.tar.gz`],
      ['tmp', `logs/bench-${run}-2/p/job.log`],
      ['tmp', `tombstones/acme/p-${run}-1.json`],
    ];
    for (const [Bucket, Key] of [...keysOf('raaaaaa'), ...keysOf('rbbbbbb')]) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    }

    await clearBuckets('raaaaaa', { s3: reached, sourceBucket: 'source', sourcePrefix, temporaryBucket: 'tmp' });

    for (const [Bucket, Key] of keysOf('raaaaaa')) {
      await expect(client.send(new GetObjectCommand({ Bucket, Key }))).rejects.toThrow('key');
    }
    for (const [Bucket, Key] of keysOf('rbbbbbb')) {
      await expect(client.send(new GetObjectCommand({ Bucket, Key }))).resolves.toBeTruthy();
    }
    client.destroy();
    await s3.close();
  },
);
