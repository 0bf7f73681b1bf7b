/** The Secrets of an environment, from its settings. They go to kubectl by standard input and never to a file. */
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { REGISTRY_SECRET, S3_SECRET } from '#shared/specs/build-pod/settings.ts';
import type { Environment } from './environment.ts';
import type { Settings } from './settings.ts';

export const RABBITMQ_SECRET = 'rabbitmq';

export function secretsOf({ namespace, buildsNamespace }: Environment, settings: Settings): KubeObject[] {
  const { s3, buildS3 = s3, rabbitmq, registryConfig } = settings;
  const both = [namespace, buildsNamespace];
  return [
    // Without keys it is empty where it is missing: func.yaml names it, and a pod does not start without it.
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
              // Messaging topology operator 1.20 and later reads no other Secret.
              'rabbitmq.com/topology-operator': 'true',
            },
          ),
        ]
      : []),
  ];
}

/** For functions whose pods have an identity of their own. Created where it is missing, never changed: it may be somebody's. */
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
    // Not stringData: server-side apply would never take a key away again.
    data: Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  };
}
