/**
 * Every setting, once. The configuration of each function and the keys that `make deploy` accepts come from this table,
 * and `npm run docs` writes eventing/base/functions/config.yaml, deploy/settings.example.env and docs/settings.md from
 * it.
 */
import * as z from 'zod';
import {
  count,
  duration,
  eventKey,
  list,
  managementUrl,
  namespaces,
  port,
  quantity,
  ranges,
  repositoryPrefix,
  sourcePrefix,
  targets,
  text,
  url,
} from './values.ts';

export interface Setting {
  /** With the default, if there is one. */
  schema: z.ZodType;
  /**
   * ConfigMap knative-lambda-config, Secret knative-lambda-s3 or knative-lambda-keys, `pod` for what Kubernetes,
   * Knative or func.yaml set in the pod, or `make` for what only `make deploy` and `make image` read.
   */
  from: 'ConfigMap' | 'Secret' | 'pod' | 'make';
  /** Functions by their name, other programs as PROGRAMS names them. */
  readBy: readonly string[];
  /** For operators. Stands in settings.example.env and docs/settings.md. */
  says: string;
  /** Its headline in settings.example.env; missing where it does not belong into that file. */
  group?: Group;
  /** Its value in settings.example.env; else the default stands there. */
  example?: string;
  /** Everybody has to fill it in, so its line in settings.example.env is not commented out. */
  fillIn?: true;
  /** Why a file of settings must not have it. */
  givenBy?: string;
}

export const GROUPS = ['S3', 'images', 'RabbitMQ', 'builds', 'calls', 'events', 'network', 'the rest'] as const;
type Group = (typeof GROUPS)[number];

/** What reads settings and is no function of functions/. */
export const PROGRAMS = [
  'every function',
  'fetch-context',
  'build-monitor',
  'npm run dead-letters',
  'make deploy',
  'make image',
  'main.ts',
  'the AWS SDK',
] as const;

const STORE_FUNCTIONS = [
  'build-start',
  'job-start',
  'build-complete',
  'service-delete',
  'sweep',
  'parser-events',
  'dead-letter',
  'dead-letter-replay',
  'gateway',
  'recorder',
] as const;
const AWS = [...STORE_FUNCTIONS, 'fetch-context', 'build-monitor', 'npm run dead-letters'] as const;
const CLUSTER_FUNCTIONS = [
  'job-start',
  'build-complete',
  'cluster-events',
  'service-delete',
  'sweep',
  'parser-events',
  'gateway',
] as const;
const ADMITTING = ['job-start', 'cluster-events', 'sweep'] as const;
/** Functions that send events of their own accord, and not as replies. */
const SENDERS = ['gateway', 'sweep', 'dead-letter', 'dead-letter-replay', 'npm run dead-letters'] as const;
const BUILD_POD = ['job-start', 'make image'] as const;

export const SETTINGS = {
  AWS_REGION: {
    schema: text,
    from: 'ConfigMap',
    readBy: AWS,
    group: 'S3',
    example: 'eu-west-1',
    fillIn: true,
    says: 'Region of S3 and ECR. A store that is not AWS takes any.',
  },
  S3_ENDPOINT: {
    schema: url.optional(),
    from: 'ConfigMap',
    readBy: AWS,
    group: 'S3',
    example: 'http://minio.minio.svc.cluster.local:9000',
    fillIn: true,
    says: 'Address of S3 as pods reach it, which is seldom as you do. Leave it out for AWS.',
  },
  S3_PUBLIC_ENDPOINT: {
    schema: url.optional(),
    from: 'ConfigMap',
    readBy: ['gateway'],
    group: 'S3',
    example: 'https://s3.example.com',
    says: 'Address of S3 as clients reach it, to which they upload their sources. Left out: S3_ENDPOINT, or AWS.',
  },
  SOURCE_BUCKET: {
    schema: text.default('knative-lambda-source'),
    from: 'ConfigMap',
    readBy: ['build-start', 'gateway'],
    group: 'S3',
    example: 'knative-lambda-source-dev',
    fillIn: true,
    says: 'Bucket with the source code of the users.',
  },
  SOURCE_BUCKETS: {
    schema: list.optional(),
    from: 'ConfigMap',
    readBy: ['build-start'],
    group: 'S3',
    example: '',
    says: 'Other buckets that a request may name, separated by commas.',
  },
  SOURCE_PREFIX: {
    schema: sourcePrefix.default('global/parser/{parser_id}/'),
    from: 'ConfigMap',
    readBy: ['build-start', 'gateway'],
    group: 'S3',
    says: "Where a function's source lies in the bucket. With {third_party_id} in it, as {third_party_id}/{parser_id}/, a request can name no prefix of another tenant's.",
  },
  TEMPORARY_BUCKET: {
    schema: text.default('knative-lambda-tmp'),
    from: 'ConfigMap',
    readBy: [...STORE_FUNCTIONS, 'npm run dead-letters'],
    group: 'S3',
    example: 'knative-lambda-tmp-dev',
    fillIn: true,
    says: 'Bucket for what is kept between events: contexts, build records, logs, dead letters, tombstones.',
  },
  AWS_ACCESS_KEY_ID: {
    schema: text.optional(),
    from: 'Secret',
    readBy: [...AWS, 'make deploy'],
    group: 'S3',
    example: '',
    fillIn: true,
    says: 'Key pair for S3: set both, or none where pods have an identity of their own (IRSA, EKS Pod Identity).',
  },
  AWS_SECRET_ACCESS_KEY: {
    schema: text.optional(),
    from: 'Secret',
    readBy: [...AWS, 'make deploy'],
    group: 'S3',
    example: '',
    fillIn: true,
    says: 'Second half of that pair.',
  },
  BUILD_AWS_ACCESS_KEY_ID: {
    schema: text.optional(),
    from: 'make',
    readBy: ['make deploy'],
    group: 'S3',
    example: '',
    says: 'Another pair for build pods, which need only get `contexts/*`, get and put `downloads/*`, and put `logs/*` of TEMPORARY_BUCKET. Left out: the same pair.',
  },
  BUILD_AWS_SECRET_ACCESS_KEY: {
    schema: text.optional(),
    from: 'make',
    readBy: ['make deploy'],
    group: 'S3',
    example: '',
    says: 'Second half of that pair.',
  },

  IMAGE_REGISTRY: {
    schema: repositoryPrefix,
    from: 'ConfigMap',
    readBy: ['build-start', 'job-start', 'build-complete'],
    group: 'images',
    example: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/knative-lambda-dev',
    fillIn: true,
    says: "Where the users' images are pushed: host[:port]/path. Each function gets a repository below it.",
  },
  REGISTRY_ENDPOINT: {
    schema: url.optional(),
    from: 'ConfigMap',
    readBy: ['build-start', 'gateway'],
    group: 'images',
    example: '',
    says: 'One address that answers for every registry (`?ns=` says for which), as a mirror of containerd does. The platform of `make run` is one; on a cluster it is left out.',
  },
  DOCKER_CONFIG: {
    schema: text.optional(),
    from: 'pod',
    readBy: ['build-start'],
    says: 'Folder of the config.json with the credentials for the registry.',
  },
  REGISTRY_CONFIG_FILE: {
    schema: text.optional(),
    from: 'make',
    readBy: ['make deploy', 'make image'],
    group: 'images',
    example: 'registry.json',
    says: 'A docker config.json with credentials in it, for a registry that asks: Kaniko and build-start push with it, every pod pulls with it.',
  },
  KANIKO_IMAGE: {
    schema: text,
    from: 'ConfigMap',
    readBy: BUILD_POD,
    group: 'images',
    example: 'ghcr.io/osscontainertools/kaniko:v1.28.0',
    fillIn: true,
    says: "Kaniko's executor, best pinned by digest.",
  },
  BUILDER_IMAGE: {
    schema: text,
    from: 'ConfigMap',
    readBy: ['job-start'],
    givenBy: 'it is what IMAGE says',
    says: "Our own image, for the build pod's init container and sidecar.",
  },
  BASE_IMAGE_PYTHON: {
    schema: text.default('python:3.13-slim'),
    from: 'ConfigMap',
    readBy: ['build-start'],
    group: 'images',
    says: "What users' Python functions are built on.",
  },
  BASE_IMAGE_NODE: {
    schema: text.default('node:24-slim'),
    from: 'ConfigMap',
    readBy: ['build-start'],
    group: 'images',
    says: "What users' Node functions are built on.",
  },
  BASE_IMAGE_GO: {
    schema: text.default('golang:1.25'),
    from: 'ConfigMap',
    readBy: ['build-start'],
    group: 'images',
    says: "What users' Go functions are compiled with.",
  },
  BASE_IMAGE_RUST: {
    schema: text.default('rust:1.95-alpine'),
    from: 'ConfigMap',
    readBy: ['build-start'],
    group: 'images',
    says: "What users' Rust functions are compiled with.",
  },
  BASE_IMAGE_STATIC: {
    schema: text.default('alpine:3.22'),
    from: 'ConfigMap',
    readBy: ['build-start'],
    group: 'images',
    says: 'What a compiled function runs on.',
  },
  NODE_IMAGE: {
    schema: text.optional(),
    from: 'make',
    readBy: ['make image'],
    group: 'images',
    example: 'docker.io/library/node:24-bookworm-slim',
    says: 'What our own image is built on.',
  },

  RABBITMQ_URI: {
    schema: managementUrl.optional(),
    from: 'make',
    readBy: ['make deploy'],
    group: 'RabbitMQ',
    example: 'http://rabbitmq.rabbitmq.svc.cluster.local:15672',
    says: "Management address of a RabbitMQ that exists already. Left out: RabbitMQ's cluster operator makes one.",
  },
  RABBITMQ_USERNAME: {
    schema: text.optional(),
    from: 'make',
    readBy: ['make deploy'],
    group: 'RabbitMQ',
    example: 'knative-lambda',
    says: 'A user who may administer the virtual host of that RabbitMQ.',
  },
  RABBITMQ_PASSWORD: {
    schema: text.optional(),
    from: 'make',
    readBy: ['make deploy'],
    group: 'RabbitMQ',
    example: '',
    says: "That user's password.",
  },
  RABBITMQ_PORT: {
    schema: z
      .string()
      .regex(/^\d{1,5}$/, 'must be a port, as a rule 5672')
      .optional(),
    from: 'make',
    readBy: ['make deploy'],
    group: 'RabbitMQ',
    example: '5672',
    says: 'Port of AMQP, where it is not the usual one.',
  },
  RABBITMQ_CA_SECRET: {
    schema: text.optional(),
    from: 'make',
    readBy: ['make deploy'],
    group: 'RabbitMQ',
    example: 'rabbitmq-ca',
    says: 'Secret of the functions namespace with the authority (ca.crt) that signed the certificate of that RabbitMQ, where no public one did.',
  },

  BUILD_HTTP_PROXY: {
    schema: url.optional(),
    from: 'ConfigMap',
    readBy: BUILD_POD,
    group: 'builds',
    example: 'http://package-proxy.egress.svc.cluster.local:3128',
    says: "A proxy that lets through the package registries alone: the only way out that users' commands should have. The overlay dev names one; leave the value empty where there is none.",
  },
  BUILD_DOWNLOADS_MEGABYTES: {
    schema: z.coerce.number().int().min(0).max(2000).default(300),
    from: 'ConfigMap',
    readBy: ['job-start'],
    group: 'builds',
    says: "What is kept of a client's downloads between its builds, for each of npm, pip and go, so that one more package does not download the others again. 0: nothing.",
  },
  BUILD_CA_CONFIG_MAP: {
    schema: text.optional(),
    from: 'ConfigMap',
    readBy: ['job-start'],
    group: 'builds',
    example: 'proxy-ca',
    says: 'ConfigMap of the builds namespace with a bundle ca-certificates.crt: authorities that build pods trust besides the public ones, of S3, the registry, or a proxy that signs for others.',
  },
  BUILD_EGRESS_CIDRS: {
    schema: ranges.optional(),
    from: 'make',
    readBy: ['make deploy'],
    group: 'builds',
    example: '10.0.0.0/8',
    says: "Ranges outside the cluster's pods that build pods may reach (registry, S3, API server), at 443, 6443 and the ports of the addresses in this file. Services of the cluster that this file names need none, as long as their pods listen on the port that is named.",
  },
  ADMISSION: {
    schema: z.enum(['lease', 'kueue']).default('lease'),
    from: 'ConfigMap',
    readBy: ADMITTING,
    group: 'builds',
    says: 'Who decides which builds run: lease (we do) or kueue.',
  },
  MAX_CONCURRENT_BUILDS: {
    schema: count(10),
    from: 'ConfigMap',
    readBy: ADMITTING,
    group: 'builds',
    says: 'Builds that run at once in the whole cluster, with ADMISSION=lease.',
  },
  KUEUE_QUEUE: {
    schema: text.default('knative-lambda'),
    from: 'ConfigMap',
    readBy: ['job-start'],
    group: 'builds',
    says: 'LocalQueue of the builds namespace, with ADMISSION=kueue.',
  },
  MAX_WAITING_BUILDS_PER_CLIENT: {
    schema: count(1000),
    from: 'ConfigMap',
    readBy: ['job-start'],
    group: 'builds',
    says: 'Builds of one client that may wait; the next one is refused as TooManyBuilds.',
  },
  MAX_BUILDS_PER_CLIENT_PER_MINUTE: {
    schema: count(600),
    from: 'ConfigMap',
    readBy: ['build-start', 'job-start'],
    group: 'builds',
    says: 'Builds of one client that may begin in a minute, with a Job or without one; the next one is refused as TooManyBuilds.',
  },
  BUILD_DEADLINE_SECONDS: {
    schema: count(1800),
    from: 'ConfigMap',
    readBy: BUILD_POD,
    group: 'builds',
    says: 'Seconds after which a build is ended.',
  },
  BUILD_CPU_REQUEST: {
    schema: quantity('500m'),
    from: 'ConfigMap',
    readBy: BUILD_POD,
    group: 'builds',
    says: 'CPU that a build is promised.',
  },
  BUILD_CPU_LIMIT: {
    schema: quantity('2'),
    from: 'ConfigMap',
    readBy: BUILD_POD,
    group: 'builds',
    says: 'CPU that a build may use.',
  },
  BUILD_MEMORY_REQUEST: {
    schema: quantity('1Gi'),
    from: 'ConfigMap',
    readBy: BUILD_POD,
    group: 'builds',
    says: 'Memory that a build is promised.',
  },
  BUILD_MEMORY_LIMIT: {
    schema: quantity('4Gi'),
    from: 'ConfigMap',
    readBy: BUILD_POD,
    group: 'builds',
    says: 'Memory that a build may use; above it the build ends as OutOfMemory.',
  },
  BUILD_EPHEMERAL_STORAGE_REQUEST: {
    schema: quantity('1Gi'),
    from: 'ConfigMap',
    readBy: ['job-start'],
    group: 'builds',
    says: "Disk of the node that a build is promised: base image and packages are unpacked into the container's own file system.",
  },
  BUILD_EPHEMERAL_STORAGE_LIMIT: {
    schema: quantity('10Gi'),
    from: 'ConfigMap',
    readBy: ['job-start'],
    group: 'builds',
    says: 'Disk of the node that a build may use; above it the build ends as Evicted.',
  },
  MAX_SOURCE_BYTES: {
    schema: count(100_000_000),
    from: 'ConfigMap',
    readBy: ['build-start', 'gateway'],
    group: 'builds',
    says: 'Bytes of source code that one build may have.',
  },
  MAX_SOURCE_FILES: {
    schema: count(10_000),
    from: 'ConfigMap',
    readBy: ['build-start', 'gateway'],
    group: 'builds',
    says: 'Files of source code that one build may have.',
  },

  FUNCTION: {
    schema: text,
    from: 'pod',
    readBy: ['main.ts'],
    says: 'Which function of the image to start. Set by func.yaml.',
  },
  PORT: {
    schema: port.default(8080),
    from: 'pod',
    readBy: ['every function'],
    says: 'Port of the function; 0 takes any free one. Set by Knative.',
  },
  HOST: {
    schema: text.optional(),
    from: 'pod',
    readBy: ['every function'],
    says: 'Address to listen on; every interface where it is not set. The embedded platform sets 127.0.0.1.',
  },
  METRICS_PORT: {
    schema: port.default(9464),
    from: 'pod',
    readBy: ['every function'],
    says: 'Port of /metrics; 0 takes any free one.',
  },
  K_SERVICE: {
    schema: text.optional(),
    from: 'pod',
    readBy: ['every function'],
    says: "Names the pod's traces. Set by Knative.",
  },
  K_REVISION: {
    schema: text.optional(),
    from: 'pod',
    readBy: ['every function'],
    says: "Names the pod's traces. Set by Knative.",
  },
  HOSTNAME: {
    schema: text.optional(),
    from: 'pod',
    readBy: ['every function'],
    says: "Names the pod's traces. Set by Kubernetes.",
  },
  AWS_SESSION_TOKEN: {
    schema: text.optional(),
    from: 'pod',
    readBy: AWS,
    says: 'Belongs to a key pair that expires.',
  },
  AWS_ROLE_ARN: {
    schema: text.optional(),
    from: 'pod',
    readBy: AWS,
    says: 'Role of the service account. Set by the webhook of IRSA.',
  },
  AWS_WEB_IDENTITY_TOKEN_FILE: {
    schema: text.optional(),
    from: 'pod',
    readBy: AWS,
    says: 'Token for that role. Set by the webhook of IRSA.',
  },
  AWS_CONTAINER_CREDENTIALS_FULL_URI: {
    schema: text.optional(),
    from: 'pod',
    readBy: AWS,
    says: 'Where credentials are fetched. Set by EKS Pod Identity.',
  },
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: {
    schema: text.optional(),
    from: 'pod',
    readBy: AWS,
    says: 'Token for that address. Set by EKS Pod Identity.',
  },

  DOOR_MIN_SCALE: {
    schema: z.coerce.number().int().min(0).max(100).optional(),
    from: 'make',
    readBy: ['make deploy'],
    group: 'calls',
    example: '1',
    says: 'Pods of parser-events that never go, so that a call need not wait for one. Left out: 0 in dev, 1 everywhere else.',
  },
  FUNCTION_DELIVERY: {
    schema: z.enum(['shared', 'own']).default('shared'),
    from: 'ConfigMap',
    readBy: ['build-complete', 'sweep'],
    group: 'calls',
    says: 'How calls reach a function whose request does not say it (parameters.delivery): shared, by the one queue of all, or own, by a queue and a dispatcher pod of its own.',
  },
  MAX_FUNCTION_CPU: {
    schema: quantity('4'),
    from: 'ConfigMap',
    readBy: ['build-start'],
    group: 'calls',
    says: 'Most CPU that a function may ask for, each pod.',
  },
  MAX_FUNCTION_MEMORY: {
    schema: quantity('8Gi'),
    from: 'ConfigMap',
    readBy: ['build-start'],
    group: 'calls',
    says: 'Most memory that a function may ask for, each pod.',
  },
  MAX_FUNCTION_PODS: {
    schema: count(100),
    from: 'ConfigMap',
    readBy: ['build-start'],
    group: 'calls',
    says: 'Most pods that a function may ask for (scaling.max).',
  },
  MAX_FUNCTION_MIN_PODS: {
    schema: count(10),
    from: 'ConfigMap',
    readBy: ['build-start'],
    group: 'calls',
    says: 'Most pods that a function may keep while it idles (scaling.min).',
  },
  MAX_TENANT_FUNCTIONS: {
    schema: count(1000),
    from: 'ConfigMap',
    readBy: ['build-complete'],
    group: 'calls',
    says: 'Functions that one tenant may have; a further one is not deployed (TooManyFunctions).',
  },
  MAX_TENANT_MIN_PODS: {
    schema: count(50),
    from: 'ConfigMap',
    readBy: ['build-complete'],
    group: 'calls',
    says: 'Pods that the functions of one tenant may keep while they idle (the sum of scaling.min; a function of class hpa has at least one).',
  },
  CALL_PLACES_PER_TENANT: {
    schema: count(25),
    from: 'ConfigMap',
    readBy: ['parser-events'],
    group: 'calls',
    says: 'Calls of one tenant that are made at once, of the 100 that the shared queue makes; further ones wait in the overflow queue.',
  },

  CALL_METRICS_FUNCTIONS: {
    schema: z.coerce.number().int().min(0).default(500),
    from: 'ConfigMap',
    readBy: ['parser-events'],
    group: 'calls',
    says: 'Functions that have metrics of their own, 23 series each; all others are counted together as "other". 0: all are.',
  },

  CALL_METRICS_LEAVE_OUT: {
    schema: list.default([]),
    from: 'ConfigMap',
    readBy: ['parser-events'],
    group: 'calls',
    example: 'acme,shop/parser1',
    says: 'Tenants, and single functions as tenant/function, whose calls are counted as "other".',
  },
  CALL_SAMPLE: {
    schema: z.coerce.number().min(0).max(1).default(0.01),
    from: 'ConfigMap',
    readBy: ['parser-events'],
    group: 'calls',
    says: 'Of the calls that succeed, the share whose answers are recorded, from 0 to 1. Calls that fail are recorded all.',
  },
  HISTORY_DAYS: {
    schema: count(30),
    from: 'ConfigMap',
    readBy: ['sweep'],
    group: 'events',
    says: 'Days for which builds, calls and their events are kept. sweep removes what is older; lifecycle rules may do it sooner.',
  },
  AUTHENTICATION: {
    schema: z.enum(['off', 'warn', 'required']).default('off'),
    from: 'ConfigMap',
    readBy: ['every function', 'gateway', 'recorder'],
    group: 'events',
    example: 'required',
    fillIn: true,
    says: 'What becomes of an event without a valid signature: off (nobody looks), warn (it is handled, and the log says so) or required (it is rejected: clients send to the gateway, with a token).',
  },
  MAX_HOPS: {
    schema: count(8),
    from: 'ConfigMap',
    readBy: ['every function'],
    group: 'events',
    says: 'Functions of ours over which an event and what it causes may come; beyond that they go in a circle. Counted where events are signed.',
  },
  EVENT_KEY: {
    schema: eventKey.optional(),
    from: 'Secret',
    readBy: ['every function', ...SENDERS],
    says: 'The key that signs events, `id:base64` of at least 32 bytes.',
    givenBy: 'it is in Secret knative-lambda-keys, which make deploy makes and make rotate-key changes',
  },
  EVENT_KEY_OTHER: {
    schema: eventKey.optional(),
    from: 'Secret',
    readBy: ['every function', ...SENDERS],
    says: 'A second key whose signatures count, while keys are changed.',
    givenBy: 'it is in Secret knative-lambda-keys, which make deploy makes and make rotate-key changes',
  },

  FUNCTION_EGRESS: {
    schema: targets.optional(),
    from: 'make',
    readBy: ['make deploy'],
    group: 'network',
    example: '10.1.2.0/24:5432,payments:8080',
    says: "Where users' functions may connect to besides HTTPS outside private ranges, and besides what knative-lambda-function-env names: ranges or namespaces of the cluster, each with the port of the pods there.",
  },
  INGRESS_NAMESPACES: {
    schema: namespaces.optional(),
    from: 'make',
    readBy: ['make deploy'],
    group: 'network',
    example: 'kourier-system,istio-system,contour-internal,contour-external,traefik',
    says: "Namespaces of Knative's ingress gateway: functions are called from there. Whatever runs in them is let in.",
  },
  METRICS_NAMESPACES: {
    schema: namespaces.optional(),
    from: 'make',
    readBy: ['make deploy'],
    group: 'network',
    example: 'monitoring,observability',
    says: 'Namespaces from which metrics are read.',
  },
  BROKER_CLIENT_NAMESPACES: {
    schema: namespaces.optional(),
    from: 'make',
    readBy: ['make deploy'],
    group: 'network',
    example: '',
    says: 'Other namespaces whose pods may post to the Broker. With AUTHENTICATION=required nobody needs to.',
  },

  REQUIRE_TLS: {
    schema: z.enum(['no', 'yes']).optional(),
    from: 'make',
    readBy: ['make deploy'],
    group: 'network',
    example: 'no',
    says: 'Whether a deployment is refused where S3, registry, RabbitMQ, traces or Knative would be spoken to in plain.',
  },
  CA_CONFIG_MAP: {
    schema: text.optional(),
    from: 'make',
    readBy: ['make deploy'],
    group: 'network',
    example: 'own-ca',
    says: 'ConfigMap of the functions namespace with a bundle ca-certificates.crt: authorities that our functions trust besides the public ones. Build pods have BUILD_CA_CONFIG_MAP.',
  },

  FUNCTION_PROGRESS_DEADLINE: {
    schema: duration.default('120s'),
    from: 'ConfigMap',
    readBy: ['build-complete'],
    group: 'the rest',
    says: "How long a new revision of a user's function may take to become ready.",
  },
  LOG_LEVEL: {
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
    from: 'ConfigMap',
    readBy: ['every function'],
    group: 'the rest',
    says: 'Lowest level that is logged: trace, debug, info, warn, error, fatal or silent.',
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    schema: url.optional(),
    from: 'ConfigMap',
    readBy: ['every function'],
    group: 'the rest',
    example: 'http://otel-collector.observability.svc.cluster.local:4318',
    says: 'Collector of traces. The overlay dev names one; leave the value empty where there is none.',
  },
  BROKER_URL: {
    schema: url,
    from: 'ConfigMap',
    readBy: ['job-start', 'build-monitor', ...SENDERS],
    group: 'the rest',
    example: 'http://default-broker-ingress.knative-lambda-dev.svc.cluster.local',
    says: "Address of the Broker. The overlay says it; set it only where the cluster's domain is not cluster.local.",
  },
  AWS_EC2_METADATA_DISABLED: {
    schema: text.default('true'),
    from: 'ConfigMap',
    readBy: ['the AWS SDK'],
    group: 'the rest',
    says: 'Keeps the AWS SDK from asking the instance metadata of the node.',
  },
  PLATFORM: {
    schema: z.enum(['laptop', 'cluster']).default('cluster'),
    from: 'ConfigMap',
    readBy: ['gateway'],
    givenBy: 'it says whether `make run` or `make deploy` made the installation',
    says: 'What the API says it runs on: the platform of `make run` is a laptop.',
  },
  NAMESPACE: {
    schema: text,
    from: 'ConfigMap',
    readBy: [...CLUSTER_FUNCTIONS, 'dead-letter'],
    givenBy: 'it follows from ENV',
    says: "Namespace of the builder's functions and of the users'.",
  },
  BUILDS_NAMESPACE: {
    schema: text,
    from: 'ConfigMap',
    readBy: CLUSTER_FUNCTIONS,
    givenBy: 'it follows from ENV',
    says: 'Namespace of the build Jobs.',
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
