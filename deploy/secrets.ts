/** The Secrets of an environment, made from its settings. They go to kubectl by standard input, never into a file. */
import { randomBytes } from 'node:crypto';
import { PRINCIPALS, PRINCIPALS_KEY } from '#shared/clients/principals.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { KEYS_SECRET } from '#shared/runtime/signing.ts';
import { REGISTRY_SECRET, S3_SECRET } from '#shared/specs/build-pod/settings.ts';
import type { Environment } from './environment.ts';
import type { Settings } from './settings.ts';

export const RABBITMQ_SECRET = 'rabbitmq';

const PART_OF = { 'app.kubernetes.io/part-of': 'knative-lambda' };

export function secretsOf({ namespace, buildsNamespace }: Environment, settings: Settings): KubeObject[] {
  const { s3, buildS3 = s3, rabbitmq, registryConfig } = settings;
  const both = [namespace, buildsNamespace];
  return [
    // Where the settings have no keys, createdOnce() makes it.
    ...(s3 ? [secret(namespace, S3_SECRET, { ...s3 })] : []),
    ...(buildS3 ? [secret(buildsNamespace, S3_SECRET, { ...buildS3 })] : []),
    ...(registryConfig === undefined
      ? []
      : both.map((place) => ({
          ...secret(place, REGISTRY_SECRET, { '.dockerconfigjson': registryConfig }),
          type: 'kubernetes.io/dockerconfigjson',
        }))),
    ...(rabbitmq
      ? [
          secret(
            namespace,
            RABBITMQ_SECRET,
            { ...rabbitmq },
            {
              // From version 1.20 on the messaging topology operator reads only Secrets with this label.
              'rabbitmq.com/topology-operator': 'true',
            },
          ),
        ]
      : []),
  ];
}

/**
 * Created where missing, never changed: a person may have made it, or changes it later. Without one of the Secrets no
 * pod starts, since func.yaml names them.
 */
export function createdOnce({ namespace }: Environment, settings: Settings): KubeObject[] {
  return [
    ...(settings.s3 ? [] : [secret(namespace, S3_SECRET, {})]),
    secret(namespace, KEYS_SECRET, { EVENT_KEY: newEventKey() }),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: PRINCIPALS, namespace, labels: PART_OF },
      data: { [PRINCIPALS_KEY]: NOBODY },
    },
  ];
}

/** `id:base64`, 32 random bytes. */
export function newEventKey(): string {
  return `k${randomBytes(4).toString('hex')}:${randomBytes(32).toString('base64')}`;
}

const NOBODY = `# Who may send events to the gateway: docs/tenants.md.
# principals:
#   - name: acme
#     tokens:
#       - service_account: acme/ci        # kubectl create token ci -n acme --audience knative-lambda
#     third_party_ids: [acme]
`;

export function secret(
  namespace: string,
  name: string,
  values: Record<string, string>,
  labels: Record<string, string> = {},
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: { ...PART_OF, ...labels } },
    type: 'Opaque',
    // Not stringData: server-side apply would never remove a key again.
    data: Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  };
}
