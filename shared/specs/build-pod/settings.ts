/** What an operator decides about build pods. */

export interface BuildPodSettings {
  /** Our own image: fetch-context and build-monitor. */
  builderImage: string;
  /** A maintained fork's executor, by digest. */
  kanikoImage: string;
  temporaryBucket: string;
  /** Kaniko wants it too wherever ECR is touched. */
  region: string;
  s3Endpoint?: string | undefined;
  brokerUrl: string;
  deadlineSeconds: number;
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  /** What RUN steps reach the package registries through. */
  httpProxy?: string | undefined;
  /** ConfigMap with a bundle `ca-certificates.crt` for RUN steps, in the builds namespace. */
  caConfigMap?: string | undefined;
}

/** In the builds namespace: may read pods, their logs and Jobs. Only the sidecar gets its token. */
export const BUILD_SERVICE_ACCOUNT = 'knative-lambda-build';

/** AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Missing where pods have an identity of their own. */
export const S3_SECRET = 'knative-lambda-s3';

/** Of type kubernetes.io/dockerconfigjson: what Kaniko pushes with. Missing where the registry asks for nothing, or is ECR. */
export const REGISTRY_SECRET = 'knative-lambda-registry';
