/** The environment variables that several functions share, as fields of a zod object: each index.ts composes what it needs. */
import * as z from 'zod';

const name = z.string().min(1);
const positive = (initial: number) => z.coerce.number().int().positive().default(initial);
const url = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' });
const quantity = (initial: string) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$/, 'must be a Kubernetes quantity such as "500m" or "4Gi"')
    .default(initial);

/** Set by Kubernetes' pod identity webhooks, not by people. */
const podIdentityFields = {
  AWS_SESSION_TOKEN: name.optional(),
  AWS_ROLE_ARN: name.optional(),
  AWS_WEB_IDENTITY_TOKEN_FILE: name.optional(),
  AWS_CONTAINER_CREDENTIALS_FULL_URI: name.optional(),
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: name.optional(),
};

/** Where to find S3. Without a key pair the client takes the pod's own identity; without an endpoint it is AWS's. */
export const s3Fields = {
  AWS_REGION: name,
  S3_ENDPOINT: url.optional(),
  AWS_ACCESS_KEY_ID: name.optional(),
  AWS_SECRET_ACCESS_KEY: name.optional(),
  ...podIdentityFields,
};

/** What is kept between events: contexts, records, logs, dead letters, tombstones. */
export const temporaryBucketFields = { TEMPORARY_BUCKET: name.default('knative-lambda-tmp') };

const bucketList = z.string().transform((list) =>
  list
    .split(',')
    .map((bucket) => bucket.trim())
    .filter((bucket) => bucket !== ''),
);

/** Where users' source lies and how much of it is taken. A request may name another bucket only if SOURCE_BUCKETS lists it. */
export const sourceFields = {
  SOURCE_BUCKET: name.default('knative-lambda-source'),
  SOURCE_BUCKETS: bucketList.optional(),
  /** Bytes. */
  MAX_SOURCE_BYTES: positive(100_000_000),
  MAX_SOURCE_FILES: positive(10_000),
};

export const namespaceFields = { NAMESPACE: name, BUILDS_NAMESPACE: name };

/** Registry and the path under which one repository a function is made. */
export const registryFields = {
  IMAGE_REGISTRY: z
    .string()
    .regex(
      /^[a-z0-9][a-z0-9.-]*(:\d+)?(\/[a-z0-9._-]+)*$/,
      'must be host[:port][/path], in lower case, without scheme',
    ),
};

export const baseImageFields = {
  BASE_IMAGE_PYTHON: name,
  BASE_IMAGE_NODE: name,
  BASE_IMAGE_GO: name,
  /** What a compiled binary is started on. */
  BASE_IMAGE_STATIC: name,
};

export const brokerFields = { BROKER_URL: url };

/** The pod that builds. */
export const buildFields = {
  KANIKO_IMAGE: name,
  BUILDER_IMAGE: name,
  BUILD_DEADLINE_SECONDS: positive(1800),
  BUILD_HTTP_PROXY: url.optional(),
  /** ConfigMap of the builds namespace with a bundle `ca-certificates.crt`, for a proxy that signs for others. */
  BUILD_CA_CONFIG_MAP: name.optional(),
  BUILD_CPU_REQUEST: quantity('500m'),
  BUILD_CPU_LIMIT: quantity('2000m'),
  BUILD_MEMORY_REQUEST: quantity('1Gi'),
  BUILD_MEMORY_LIMIT: quantity('4Gi'),
};

/** Which builds run: as many at once as there are slots, in an order of our own; or as Kueue decides. */
export const admissionFields = {
  ADMISSION: z.enum(['lease', 'kueue']).default('lease'),
  MAX_CONCURRENT_BUILDS: positive(10),
  /** The LocalQueue of the builds namespace. */
  KUEUE_QUEUE: name.default('knative-lambda'),
};

/** What one client may ask for: fair shares protect the other clients, these the cluster. */
export const clientLimitFields = {
  MAX_WAITING_BUILDS_PER_CLIENT: positive(1000),
  MAX_BUILDS_PER_CLIENT_PER_MINUTE: positive(600),
};

/** The users' functions. */
export const deploymentFields = {
  /** How long a new revision may take to become ready, as a Go duration. */
  FUNCTION_PROGRESS_DEADLINE: z
    .string()
    .regex(/^\d+(s|m)$/, 'must be a duration such as "120s" or "5m"')
    .default('120s'),
};

/** What every function reads; defineFunction parses it, so that an index.ts need not name it. */
export const runtimeFields = {
  /** 0: any free one. */
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  METRICS_PORT: z.coerce.number().int().min(0).max(65_535).default(9464),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url.optional(),
  /** Set by Knative: they name the pod's traces. */
  K_SERVICE: name.optional(),
  K_REVISION: name.optional(),
  HOSTNAME: name.optional(),
};
