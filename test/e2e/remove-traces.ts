/**
 * What tests of this run have left in the cluster and in S3, by the run's mark in every parser id. Images in the
 * registry stay.
 */
import { DeleteObjectsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { KubernetesObject, KubernetesObjectApi } from '@kubernetes/client-node';
import type { PlatformUnderTest } from '#test/contract/platform.ts';
import type { Recorded } from '#test/contract/probe.ts';

export async function removeTraces(
  { run, namespace, probe, s3, sourceBucket, temporaryBucket }: PlatformUnderTest,
  { objects }: { objects: KubernetesObjectApi },
): Promise<void> {
  const kinds = [
    ['serving.knative.dev/v1', 'Service', namespace],
    ['eventing.knative.dev/v1', 'Trigger', namespace],
    ['batch/v1', 'Job', `${namespace}-builds`],
  ] as const;
  for (const [apiVersion, kind, where] of kinds) {
    const { items } = await objects.list<KubernetesObject>(apiVersion, kind, where);
    const isOurs = ({ metadata }: KubernetesObject) =>
      metadata?.annotations?.['knative-lambda/parser-id']?.includes(`-${run}-`);
    for (const { metadata } of items.filter(isOurs)) {
      const object = { apiVersion, kind, metadata: { name: metadata?.name ?? '', namespace: where } };
      await objects.delete(object, undefined, undefined, undefined, undefined, 'Background').catch(() => undefined);
    }
  }

  const client = new S3Client({ ...s3, forcePathStyle: true });
  for (const [tenant, parser] of await functionsOf(run, probe.url)) {
    await clear(client, sourceBucket, `global/parser/${parser}/`);
    for (const kind of ['contexts', 'logs', 'tombstones']) {
      await clear(client, temporaryBucket, `${kind}/${tenant}/${parser}`);
    }
  }
  client.destroy();
}

/** Third party and parser ids, from the subjects of all that was recorded. */
async function functionsOf(run: string, url: string): Promise<[string, string][]> {
  const lines = (await (await fetch(`${url}/events?after=0&until=now`)).text()).trim().split('\n');
  const records = lines.map((line) => JSON.parse(line) as Partial<Recorded>);
  return [...new Set(records.map(({ headers }) => headers?.['ce-subject'] ?? ''))]
    .filter((subject) => subject.includes(`-${run}-`))
    .map((subject) => subject.split('/'))
    .filter((parts): parts is [string, string] => parts.length === 2);
}

async function clear(client: S3Client, Bucket: string, Prefix: string): Promise<void> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix }));
  if (Contents.length > 0) {
    const Objects = Contents.map(({ Key }) => ({ Key }));
    await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
  }
}
