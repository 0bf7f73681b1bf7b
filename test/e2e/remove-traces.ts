/**
 * What a run has left in the cluster and in S3: whatever names it, for its mark is in every parser id, and in the names
 * of the objects that it makes. Images in the registry stay.
 */
import {
  DeleteObjectsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  S3Client,
} from '@aws-sdk/client-s3';
import type { KubernetesObject, KubernetesObjectApi } from '@kubernetes/client-node';
import { CONTEXTS, LOGS, REQUESTS, TOMBSTONES } from '#shared/specs/s3-keys.ts';
import type { PlatformUnderTest } from '#test/contract/platform.ts';

/** Triggers first: what is sent to a pod that is gone is sent again and again. */
const KINDS = [
  ['eventing.knative.dev/v1', 'Trigger'],
  ['serving.knative.dev/v1', 'Service'],
  ['v1', 'Pod'],
  ['v1', 'Service'],
  ['v1', 'ServiceAccount'],
  ['v1', 'Secret'],
  ['networking.k8s.io/v1', 'NetworkPolicy'],
] as const;
const BUILD_KINDS = [
  ['batch/v1', 'Job'],
  ['v1', 'Pod'],
  ['v1', 'Secret'],
] as const;

type Marked = KubernetesObject & { spec?: unknown };

/** `keep`: the name of what a run that goes on still needs, its probe. */
export async function removeObjects(
  run: string,
  namespace: string,
  objects: KubernetesObjectApi,
  keep?: string,
): Promise<void> {
  const places = [
    ...KINDS.map(([apiVersion, kind]) => ({ apiVersion, kind, namespace })),
    ...BUILD_KINDS.map(([apiVersion, kind]) => ({ apiVersion, kind, namespace: `${namespace}-builds` })),
  ];
  for (const { apiVersion, kind, namespace } of places) {
    const { items } = await objects.list<Marked>(apiVersion, kind, namespace);
    for (const { metadata } of items.filter((object) => names(run, object))) {
      const name = metadata?.name ?? '';
      if (name !== keep) {
        await remove(objects, { apiVersion, kind, metadata: { name, namespace } });
      }
    }
  }
  const name = `${namespace}-e2e-${run}`;
  await remove(objects, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
}

/** What belongs to another object goes with it. Values of Secrets are not looked at. */
function names(run: string, { metadata, spec }: Marked): boolean {
  return (
    (metadata?.ownerReferences ?? []).length === 0 &&
    JSON.stringify([{ ...metadata, managedFields: [] }, spec]).includes(run)
  );
}

async function remove(objects: KubernetesObjectApi, object: KubernetesObject): Promise<void> {
  await objects.delete(object, undefined, undefined, undefined, undefined, 'Background').catch(() => undefined);
}

/** Tenants, then parsers. */
const DEPTH = 2;

export async function clearBuckets(
  run: string,
  {
    s3,
    sourceBucket,
    sourcePrefix,
    temporaryBucket,
  }: Pick<PlatformUnderTest, 's3' | 'sourceBucket' | 'sourcePrefix' | 'temporaryBucket'>,
): Promise<void> {
  const client = new S3Client({ ...s3, forcePathStyle: true });
  const [sources = ''] = sourcePrefix.split('{');
  await clearBelow(client, { bucket: sourceBucket, prefix: sources, run, depth: DEPTH });
  for (const prefix of [CONTEXTS, LOGS, REQUESTS, TOMBSTONES]) {
    await clearBelow(client, { bucket: temporaryBucket, prefix, run, depth: DEPTH });
  }
  client.destroy();
}

interface Place {
  bucket: string;
  prefix: string;
  run: string;
  depth: number;
}

async function clearBelow(client: S3Client, { bucket, prefix, run, depth }: Place): Promise<void> {
  for await (const { keys, folders } of pages(client, bucket, prefix, '/')) {
    await deleteKeys(
      client,
      bucket,
      keys.filter((key) => key.includes(run)),
    );
    for (const folder of folders) {
      if (folder.includes(run)) {
        for await (const page of pages(client, bucket, folder)) {
          await deleteKeys(client, bucket, page.keys);
        }
      } else if (depth > 1) {
        await clearBelow(client, { bucket, prefix: folder, run, depth: depth - 1 });
      }
    }
  }
}

async function* pages(client: S3Client, Bucket: string, Prefix: string, Delimiter?: string) {
  let ContinuationToken: string | undefined;
  do {
    const page: ListObjectsV2CommandOutput = await client.send(
      new ListObjectsV2Command({ Bucket, Prefix, Delimiter, ContinuationToken }),
    );
    yield {
      keys: (page.Contents ?? []).map(({ Key = '' }) => Key),
      folders: (page.CommonPrefixes ?? []).map((common) => common.Prefix ?? ''),
    };
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken);
}

async function deleteKeys(client: S3Client, Bucket: string, keys: string[]): Promise<void> {
  if (keys.length > 0) {
    await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }));
  }
}
