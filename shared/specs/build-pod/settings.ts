/** The settings of build pods, as the operator configures them. */

export interface BuildPodSettings {
  /** Our own image: fetch-context and build-monitor. */
  builderImage: string;
  /** A maintained fork's executor, by digest. */
  kanikoImage: string;
  temporaryBucket: string;
  /** Kaniko needs it as well, wherever it uses ECR. */
  region: string;
  s3Endpoint?: string | undefined;
  brokerUrl: string;
  deadlineSeconds: number;
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  /** The proxy through which RUN steps reach package registries. */
  httpProxy?: string | undefined;
  /** What is kept of a tenant's downloads, for each package manager. 0 and undefined: nothing. */
  downloadsBytes?: number | undefined;
  /** ConfigMap with a bundle `ca-certificates.crt` for RUN steps, in the builds namespace. */
  caConfigMap?: string | undefined;
}

/** In the builds namespace. May read pods, their logs and Jobs. Only the sidecar gets its token. */
export const BUILD_SERVICE_ACCOUNT = 'knative-lambda-build';

/** AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Does not exist where pods have an identity of their own. */
export const S3_SECRET = 'knative-lambda-s3';

/**
 * Of type kubernetes.io/dockerconfigjson: Kaniko's credentials. Does not exist where the registry needs none, or is
 * ECR.
 */
export const REGISTRY_SECRET = 'knative-lambda-registry';
