/** What doctor looks at. Undefined is what could not be seen: then nothing is said about it but that. */
import type { V1Pod } from '@kubernetes/client-node';
import type { Letter } from '#shared/api/schemas.ts';
import type { CertificateFact } from '#shared/clients/certificates.ts';
import type { JobMetadata, KnativeObject } from '#shared/clients/cluster.ts';
import type { ImageLookup } from '#shared/clients/image-lookup.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';

export interface Installation {
  now: Date;
  platform: 'laptop' | 'cluster';
  settings: { authentication: 'off' | 'warn' | 'required'; sourcePrefix: string; callSample?: number };
  /** Such as `v1.34.1`. */
  kubernetesVersion?: string | undefined;
  /** Names of the API's groups. */
  apiGroups?: string[] | undefined;
  /** Knative Services of our own functions. */
  builders?: KnativeObject[] | undefined;
  builderPods?: V1Pod[] | undefined;
  functions?: KnativeObject[] | undefined;
  functionPods?: V1Pod[] | undefined;
  triggers?: KnativeObject[] | undefined;
  brokers?: KubeObject[] | undefined;
  /** ApiServerSources and PingSources. */
  sources?: KubeObject[] | undefined;
  quotas?: KubeObject[] | undefined;
  /** Of both namespaces. */
  policies?: KubeObject[] | undefined;
  /** Whether there is a Lease `admission`. */
  hasLease?: boolean | undefined;
  jobs?: JobMetadata[] | undefined;
  buildPods?: V1Pod[] | undefined;
  /** Of each bucket: why it cannot be used; undefined where it can. */
  temporaryBucket?: StorageFact | undefined;
  sourceBucket?: StorageFact | undefined;
  /** Whether a second create of the same key is refused. */
  isCreateExclusive?: boolean | undefined;
  /** S3's clock less ours, in milliseconds. */
  clockSkew?: number | undefined;
  /** When the oldest request that nobody answers for was received. */
  oldestRequest?: Date | 'none' | undefined;
  letters?: Letter[] | undefined;
  /** When the last event was recorded. */
  lastRecorded?: Date | 'none' | undefined;
  lastSweep?: Date | 'none' | undefined;
  registry?: RegistryFact | undefined;
  certificates?: CertificateFact[] | undefined;
  /** Names in the ConfigMap of settings. */
  settingNames?: string[] | undefined;
}

export interface RegistryFact {
  /** Images that functions run, by what the registry says of them; undefined where nobody could look. */
  lookup?: ImageLookup | undefined;
  /** The newest build whose image was not taken, if none has succeeded since. */
  refused?: { subject: string; time: string } | undefined;
}

export interface StorageFact {
  problem?: string;
}
