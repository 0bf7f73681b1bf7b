/** The Secrets of an environment, made from its settings. They go to kubectl by standard input, never into a file. */
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { REGISTRY_SECRET, S3_SECRET } from '#shared/specs/build-pod/settings.ts';
import type { Environment } from './environment.ts';
import type { Settings } from './settings.ts';

export const RABBITMQ_SECRET = 'rabbitmq';

export function secretsOf({ namespace, buildsNamespace }: Environment, settings: Settings): KubeObject[] {
  const { s3, buildS3 = s3, rabbitmq, registryConfig } = settings;
  const both = [namespace, buildsNamespace];
  return [
    // Where the settings have no keys, emptyS3Secrets() makes it: func.yaml names it, and no pod starts without it.
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
 * For functions whose pods have an identity of their own. Created where missing, never changed: a person may have made
 * it.
 */
export function emptyS3Secrets({ namespace }: Environment): KubeObject[] {
  return [secret(namespace, S3_SECRET, {})];
}

function secret(
  namespace: string,
  name: string,
  values: Record<string, string>,
  labels: Record<string, string> = {},
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: { 'app.kubernetes.io/part-of': 'knative-lambda', ...labels } },
    type: 'Opaque',
    // Not stringData: server-side apply would never remove a key again.
    data: Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  };
}
