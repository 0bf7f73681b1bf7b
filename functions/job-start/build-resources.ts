/** What a build's Kaniko is promised and may use at most. */
import type { BuildPodSettings } from '#shared/specs/build-pod/settings.ts';

type Settings = Record<`BUILD_${'CPU' | 'MEMORY' | 'EPHEMERAL_STORAGE'}_${'REQUEST' | 'LIMIT'}`, string>;

export function buildResources(config: Settings): BuildPodSettings['resources'] {
  return {
    requests: {
      cpu: config.BUILD_CPU_REQUEST,
      memory: config.BUILD_MEMORY_REQUEST,
      'ephemeral-storage': config.BUILD_EPHEMERAL_STORAGE_REQUEST,
    },
    limits: {
      cpu: config.BUILD_CPU_LIMIT,
      memory: config.BUILD_MEMORY_LIMIT,
      'ephemeral-storage': config.BUILD_EPHEMERAL_STORAGE_LIMIT,
    },
  };
}
