/** Starts build-start with a real S3 and registry. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { ecrRegistryOf, repositoryPath } from '#shared/clients/image-registry.ts';
import { buildStartSchema } from '#shared/events/build-start.ts';
import { codeLayer } from '#shared/packing/code-layer.ts';
import { defineFunction } from '#shared/runtime/define-function.ts';
import { baseImagesOf } from '#shared/settings/base-images.ts';
import { configFor } from '#shared/settings/select.ts';
import { adaptersDirectory } from './adapters-directory.ts';
import { buildStart } from './handler.ts';
import { createPackingMetrics } from './metrics.ts';
import { createPacking } from './packing.ts';

await defineFunction({
  name: 'build-start',
  config: configFor('build-start'),
  events: { 'build.start': buildStartSchema },
  dependencies: async (config) => {
    const [{ createObjectStore }, { createOciRegistry }] = await Promise.all([
      import('#shared/clients/s3.ts'),
      import('#shared/clients/oci-client.ts'),
    ]);
    const ecr = ecrRegistryOf(config.IMAGE_REGISTRY);
    const imageRegistry = ecr && (await import('#shared/clients/ecr.ts')).createEcrRegistry(config, ecr);
    return {
      store: createObjectStore(config),
      settings: {
        maxBytes: config.MAX_SOURCE_BYTES,
        maxFiles: config.MAX_SOURCE_FILES,
        baseImages: baseImagesOf(config),
        temporaryBucket: config.TEMPORARY_BUCKET,
        adapters: adaptersDirectory(),
      },
      sourceBucket: config.SOURCE_BUCKET,
      sourceBuckets: config.SOURCE_BUCKETS ?? [],
      functionBounds: {
        cpu: config.MAX_FUNCTION_CPU,
        memory: config.MAX_FUNCTION_MEMORY,
        pods: config.MAX_FUNCTION_PODS,
        minPods: config.MAX_FUNCTION_MIN_PODS,
      },
      buildsPerMinute: config.MAX_BUILDS_PER_CLIENT_PER_MINUTE,
      sourcePrefix: config.SOURCE_PREFIX,
      imageRegistry: config.IMAGE_REGISTRY,
      attemptId: randomUUID,
      pack: createPacking(createPackingMetrics()),
      assembling: {
        registry: createOciRegistry({
          endpoint: config.REGISTRY_ENDPOINT,
          credentialsFile: config.DOCKER_CONFIG && join(config.DOCKER_CONFIG, 'config.json'),
          aws: config,
        }),
        layerOf: codeLayer,
        ensureRepository:
          imageRegistry && ((repository) => imageRegistry.ensureRepository(repositoryPath(repository), 'images')),
      },
      now: () => new Date(),
    };
  },
  handle: buildStart,
});
