/** The volumes of the build pod, and which container may see which. */
import type { V1EnvVar, V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import { REGISTRY_SECRET } from './settings.ts';

const HOUR_SECONDS = 3600;

export const CONTEXT_DIRECTORY = '/context';
export const CONTEXT_FILE = `${CONTEXT_DIRECTORY}/context.tar.gz`;
export const CA_DIRECTORY = '/knative-lambda-ca';
/** The key of the ConfigMaps that CA_CONFIG_MAP and BUILD_CA_CONFIG_MAP name. */
export const CA_KEY = 'ca-certificates.crt';
export const CA_FILE = `${CA_DIRECTORY}/${CA_KEY}`;

export const contextWritten: V1VolumeMount = { name: 'context', mountPath: CONTEXT_DIRECTORY };
export const contextRead: V1VolumeMount = { ...contextWritten, readOnly: true };
/** Mounted only in the sidecar: RUN steps must not find a token for the API. */
export const apiToken: V1VolumeMount = {
  name: 'api-token',
  mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
  readOnly: true,
};
/** As the config.json that docker's clients read; empty where the registry needs no credentials. */
export const registrySecret: V1Volume = {
  name: 'registry-credentials',
  secret: {
    secretName: REGISTRY_SECRET,
    optional: true,
    items: [{ key: '.dockerconfigjson', path: 'config.json' }],
  },
};
export const registryCredentials: V1VolumeMount = {
  name: registrySecret.name,
  mountPath: '/kaniko/.docker',
  readOnly: true,
};
const certificates: V1VolumeMount = { name: 'certificates', mountPath: CA_DIRECTORY, readOnly: true };

export function certificateMounts({ caConfigMap }: { caConfigMap?: string | undefined }): V1VolumeMount[] {
  return caConfigMap ? [certificates] : [];
}

/** For our own containers, which run Node. */
export function trustedAuthorities({ caConfigMap }: { caConfigMap?: string | undefined }): V1EnvVar[] {
  return caConfigMap ? [{ name: 'NODE_EXTRA_CA_CERTS', value: CA_FILE }] : [];
}

export function buildVolumes({ caConfigMap }: { caConfigMap?: string | undefined }): V1Volume[] {
  return [
    { name: 'context', emptyDir: { sizeLimit: '1Gi' } },
    {
      // The same volume that is mounted into every container by default, unless automountServiceAccountToken is false.
      name: 'api-token',
      projected: {
        defaultMode: 0o644,
        sources: [
          { serviceAccountToken: { path: 'token', expirationSeconds: HOUR_SECONDS } },
          { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
          { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
        ],
      },
    },
    registrySecret,
    ...(caConfigMap ? [{ name: 'certificates', configMap: { name: caConfigMap } }] : []),
  ];
}
