/** The configuration of every simulated function. Its limits are small, so that a few builds reach them. */
import type { KanikoJobSettings } from '#shared/specs/kaniko-job.ts';
import type { FunctionSettings } from '#shared/specs/knative-service.ts';
import { baseImages } from '#test/fakes/base-images.ts';
import { BUILDS_NAMESPACE, FUNCTIONS_NAMESPACE } from '#test/fakes/cluster.ts';

export const SOURCE_BUCKET = 'source';
export const TEMPORARY_BUCKET = 'tmp';
export const REGISTRY = 'registry.local/knative-lambda';

export const BASE_IMAGE = 'registry.local/base/node:24';

export const buildSettings = {
  maxBytes: 1_000_000,
  maxFiles: 100,
  baseImages,
  temporaryBucket: TEMPORARY_BUCKET,
  adapters: 'unused',
};

export const jobSettings: KanikoJobSettings = {
  registry: REGISTRY,
  buildsNamespace: BUILDS_NAMESPACE,
  builderImage: 'registry.local/builder',
  kanikoImage: 'registry.local/kaniko',
  temporaryBucket: TEMPORARY_BUCKET,
  region: 'eu-west-1',
  brokerUrl: 'http://broker',
  deadlineSeconds: 600,
  resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2', memory: '4Gi' } },
};

export const functionSettings: FunctionSettings = {
  namespace: FUNCTIONS_NAMESPACE,
  progressDeadline: '120s',
  delivery: 'own',
};
export const SOURCE_PREFIX = 'global/parser/{parser_id}/';
