/** Starts job-start with a real Kubernetes, S3 and, where the registry is one, ECR. */
import { slotsOf } from '#shared/builds/admit.ts';
import { ecrRegistryOf } from '#shared/clients/image-registry.ts';
import { jobStartSchema } from '#shared/events/job-start.ts';
import { defineFunction } from '#shared/runtime/define-function.ts';
import { configFor } from '#shared/settings/select.ts';
import { buildResources } from './build-resources.ts';
import { jobStart } from './handler.ts';

const MEGABYTE = 1_000_000;

await defineFunction({
  name: 'job-start',
  config: configFor('job-start'),
  events: { 'job.start': jobStartSchema },
  // The cold start passes while build-start lists and packs.
  wakes: ['build.start'],
  dependencies: async (config) => {
    const [{ createObjectStore }, { createCluster }] = await Promise.all([
      import('#shared/clients/s3.ts'),
      import('#shared/clients/kubernetes.ts'),
    ]);
    const ecr = ecrRegistryOf(config.IMAGE_REGISTRY);
    const imageRegistry = ecr && (await import('#shared/clients/ecr.ts')).createEcrRegistry(config, ecr);
    return {
      store: createObjectStore(config),
      cluster: createCluster(config),
      imageRegistry,
      settings: {
        registry: config.IMAGE_REGISTRY,
        buildsNamespace: config.BUILDS_NAMESPACE,
        builderImage: config.BUILDER_IMAGE,
        kanikoImage: config.KANIKO_IMAGE,
        temporaryBucket: config.TEMPORARY_BUCKET,
        region: config.AWS_REGION,
        s3Endpoint: config.S3_ENDPOINT,
        brokerUrl: config.BROKER_URL,
        deadlineSeconds: config.BUILD_DEADLINE_SECONDS,
        resources: buildResources(config),
        downloadsBytes: config.BUILD_DOWNLOADS_MEGABYTES * MEGABYTE,
        httpProxy: config.BUILD_HTTP_PROXY,
        caConfigMap: config.BUILD_CA_CONFIG_MAP,
        kueueQueue: config.ADMISSION === 'kueue' ? config.KUEUE_QUEUE : undefined,
      },
      slots: slotsOf(config),
      limits: { waiting: config.MAX_WAITING_BUILDS_PER_CLIENT, perMinute: config.MAX_BUILDS_PER_CLIENT_PER_MINUTE },
      now: () => new Date(),
    };
  },
  handle: jobStart,
});
