/** What doctor reads of Kubernetes beside the Cluster: whatever the account may not see is undefined. */
import {
  ApisApi,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  NetworkingV1Api,
  VersionApi,
} from '@kubernetes/client-node';
import { PermanentError } from '#shared/events/errors.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { type CertificateFact, lookAtCertificates } from './certificates.ts';
import { type ImageLookup, lookUpImages } from './image-lookup.ts';
import { connectKubernetes } from './kubernetes-connection.ts';
import { answered, found } from './kubernetes-requests.ts';

export interface InstallationSource {
  version(): Promise<string | undefined>;
  apiGroups(): Promise<string[] | undefined>;
  brokers(): Promise<KubeObject[] | undefined>;
  /** ApiServerSources and PingSources. */
  sources(): Promise<KubeObject[] | undefined>;
  /** Of both namespaces. */
  quotas(): Promise<KubeObject[] | undefined>;
  /** Of both namespaces. */
  policies(): Promise<KubeObject[] | undefined>;
  hasLease(): Promise<boolean | undefined>;
  /** Names in ConfigMap knative-lambda-config. */
  settings(): Promise<string[] | undefined>;
  /** Of Kubernetes, S3 and the registry. */
  certificates(): Promise<CertificateFact[]>;
  images(images: readonly string[]): Promise<ImageLookup>;
}

export function createInstallationSource({
  NAMESPACE,
  BUILDS_NAMESPACE,
  S3_ENDPOINT,
  REGISTRY_ENDPOINT,
}: {
  NAMESPACE: string;
  BUILDS_NAMESPACE: string;
  S3_ENDPOINT?: string | undefined;
  REGISTRY_ENDPOINT?: string | undefined;
}): InstallationSource {
  const { configuration, server } = connectKubernetes();
  const custom = new CustomObjectsApi(configuration);
  const core = new CoreV1Api(configuration);
  const networking = new NetworkingV1Api(configuration);
  const coordination = new CoordinationV1Api(configuration);
  const namespaces = [NAMESPACE, BUILDS_NAMESPACE];

  const listed = (group: string, plural: string) =>
    seen(async () => {
      const where = { group, version: 'v1', namespace: NAMESPACE, plural };
      const { items } = await answered(`listing ${plural}`, () => custom.listNamespacedCustomObject(where));
      return items as KubeObject[];
    });
  const inBoth = (what: string, list: (namespace: string) => Promise<{ items: unknown[] }>) =>
    seen(async () => {
      const lists = await Promise.all(
        namespaces.map((namespace) => answered(`listing ${what}`, () => list(namespace))),
      );
      return lists.flatMap(({ items }) => items as KubeObject[]);
    });

  return {
    version: () =>
      seen(
        async () =>
          (await answered("reading Kubernetes' version", () => new VersionApi(configuration).getCode())).gitVersion,
      ),
    apiGroups: () =>
      seen(async () => {
        const { groups } = await answered('listing the groups of the API', () =>
          new ApisApi(configuration).getAPIVersions(),
        );
        return groups.map(({ name }) => name);
      }),
    brokers: () => listed('eventing.knative.dev', 'brokers'),
    sources: async () => {
      const [api, ping] = await Promise.all([
        listed('sources.knative.dev', 'apiserversources'),
        listed('sources.knative.dev', 'pingsources'),
      ]);
      return api && ping && [...api, ...ping];
    },
    quotas: () => inBoth('ResourceQuotas', (namespace) => core.listNamespacedResourceQuota({ namespace })),
    policies: () => inBoth('NetworkPolicies', (namespace) => networking.listNamespacedNetworkPolicy({ namespace })),
    hasLease: () =>
      seen(async () => {
        const where = { name: 'admission', namespace: BUILDS_NAMESPACE };
        return (await found('reading Lease admission', () => coordination.readNamespacedLease(where))) !== undefined;
      }),
    settings: () =>
      seen(async () => {
        const where = { name: 'knative-lambda-config', namespace: NAMESPACE };
        const { data = {} } = await answered('reading the settings', () => core.readNamespacedConfigMap(where));
        return Object.keys(data);
      }),
    certificates: () => {
      const addresses = [server, S3_ENDPOINT, REGISTRY_ENDPOINT].filter((one) => one !== undefined);
      return lookAtCertificates(addresses);
    },
    images: (images) => lookUpImages(images, REGISTRY_ENDPOINT),
  };
}

/** Undefined where it may not be read, or Kubernetes does not answer: then it is not known. */
export async function seen<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof PermanentError || (error instanceof Error && error.name === 'RetryableError')) {
      return undefined;
    }
    throw error;
  }
}
