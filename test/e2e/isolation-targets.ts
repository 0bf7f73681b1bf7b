/** What is to be stolen, and where an attacker asks for it. */
import type { CoreV1Api } from '@kubernetes/client-node';
import type { Identity } from '#shared/events/identity.ts';
import { cacheRepository, imageRepository } from '#shared/specs/names.ts';
import type { Target } from './isolation-loot.ts';

/** Shorter values occur everywhere. */
const SHORTEST_SECRET = 8;

export interface KnownSecret {
  name: string;
  value: string;
}

export interface Knowledge {
  /** The ConfigMap knative-lambda-config. */
  config: Record<string, string>;
  /** Of functions and of builds. */
  namespaces: [string, string];
  victim: Identity;
  /** The victim's archive. */
  context: { bucket: string; key: string };
  /** Address of a node. */
  node: string;
}

/**
 * Every value of every Secret, but for the registry's, which Kaniko pushes with: that one is known to be within its
 * reach.
 */
export async function secretsOf(core: CoreV1Api, namespaces: string[]): Promise<KnownSecret[]> {
  const listed = await Promise.all(namespaces.map((namespace) => core.listNamespacedSecret({ namespace })));
  return listed
    .flatMap(({ items }) => items)
    .filter(({ metadata }) => metadata?.name !== 'knative-lambda-registry')
    .flatMap(({ metadata, data = {} }) =>
      Object.entries(data).map(([key, value]) => ({
        name: `${metadata?.namespace}/${metadata?.name} ${key}`,
        value: Buffer.from(value, 'base64').toString(),
      })),
    )
    .filter(({ value }) => value.length >= SHORTEST_SECRET);
}

/** An attacker knows every name and address. */
export function targetsOf({ config, namespaces, victim, context, node }: Knowledge): Target[] {
  const s3 = config['S3_ENDPOINT'] ?? `https://s3.${config['AWS_REGION']}.amazonaws.com`;
  const api = 'https://kubernetes.default.svc/api/v1/namespaces';
  const registry = config['IMAGE_REGISTRY'] ?? '';
  const host = registry.split('/')[0];
  const [image, cache] = [imageRepository(registry, victim), cacheRepository(registry, victim)].map((repository) =>
    repository.slice(repository.indexOf('/') + 1),
  );
  const metadata = 'http://169.254.169.254';
  const contexts = `${s3}/${context.bucket}?list-type=2&prefix=contexts/victim/`;
  return [
    { name: 'API: Secrets', url: `${api}/${namespaces[1]}/secrets` },
    { name: 'API: pods', url: `${api}/${namespaces[0]}/pods` },
    { name: 'API: a forged token', url: `${api}/default/secrets`, headers: { authorization: 'Bearer forged' } },
    { name: 'kubelet', url: `https://${node}:10250/pods` },
    { name: 'kubelet, read only', url: `http://${node}:10255/pods` },
    { name: 'metadata: role', url: `${metadata}/latest/meta-data/iam/security-credentials/` },
    {
      name: 'metadata: session',
      url: `${metadata}/latest/api/token`,
      method: 'PUT',
      headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' },
    },
    {
      name: 'metadata: Google',
      url: `${metadata}/computeMetadata/v1/instance/service-accounts/default/token`,
      headers: { 'metadata-flavor': 'Google' },
    },
    { name: 'S3: contexts', url: contexts },
    { name: 'S3: context', url: `${s3}/${context.bucket}/${context.key}` },
    {
      name: 'S3: source',
      url: `${s3}/${config['SOURCE_BUCKET']}/global/parser/${victim.parser_id}/parser.mjs`,
    },
    ...['http', 'https'].flatMap((scheme) => [
      { name: `${scheme} registry`, url: `${scheme}://${host}/v2/` },
      { name: `${scheme} registry: image`, url: `${scheme}://${host}/v2/${image}/tags/list` },
      { name: `${scheme} registry: cache`, url: `${scheme}://${host}/v2/${cache}/blobs/uploads/`, method: 'POST' },
    ]),
  ];
}
