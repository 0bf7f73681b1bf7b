/**
 * What a tenant's builds have downloaded: one archive for each package manager, and who in the build pod sees it. Never
 * in it: answers of registries, which may quote credentials. What is in it is checked by the package manager.
 */
import type { V1EnvVar, V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import type { JobStart } from '#shared/events/job-start.ts';
import { downloadsKey } from '#shared/specs/s3-keys.ts';
import type { BuildPodSettings } from './settings.ts';

const MANAGERS = { node: 'npm', python: 'pip', go: 'go' } as const;

export type PackageManager = (typeof MANAGERS)[keyof typeof MANAGERS];

/** `kept` and LIMIT_FILE are written by fetch-context, `added` by the step that installs dependencies. */
export const DOWNLOADS_DIRECTORY = '/knative-lambda-downloads';
/** KiB that the installing step may add. Without this file it adds nothing. Older than all that is new. */
export const LIMIT_FILE = 'kibibytes';

const writable: V1VolumeMount = { name: 'downloads', mountPath: DOWNLOADS_DIRECTORY };

type Needed = Pick<JobStart, 'language' | 'third_party_id'>;

/** Rust's crates are compiled in the step that downloads them, and a user's own Dockerfile has no step of ours. */
function managerOf({ downloadsBytes }: BuildPodSettings, { language }: Pick<Needed, 'language'>) {
  const managers: Partial<Record<JobStart['language'], PackageManager>> = MANAGERS;
  return downloadsBytes ? managers[language] : undefined;
}

export function downloadsVolumes(settings: BuildPodSettings, data: Pick<Needed, 'language'>): V1Volume[] {
  // The pod's limit of ephemeral storage bounds it. A limit of its own would end a build because of its cache.
  return managerOf(settings, data) ? [{ name: writable.name, emptyDir: {} }] : [];
}

/** In fetch-context, and in Kaniko, whose step takes from it and adds to it. */
export function downloadsWritten(settings: BuildPodSettings, data: Pick<Needed, 'language'>): V1VolumeMount[] {
  return managerOf(settings, data) ? [writable] : [];
}

/** In the sidecar, which saves it after a success. */
export function downloadsRead(settings: BuildPodSettings, data: Pick<Needed, 'language'>): V1VolumeMount[] {
  return managerOf(settings, data) ? [{ ...writable, readOnly: true }] : [];
}

/** For our own two containers. The tenant is the Job's, so that users' commands cannot name another. */
export function downloadsEnvironment(settings: BuildPodSettings, data: Needed): V1EnvVar[] {
  const manager = managerOf(settings, data);
  if (manager === undefined) {
    return [];
  }
  return [
    { name: 'DOWNLOADS_OF', value: manager },
    { name: 'DOWNLOADS_BUCKET', value: settings.temporaryBucket },
    { name: 'DOWNLOADS_KEY', value: downloadsKey(data, manager) },
    { name: 'DOWNLOADS_BYTES', value: String(settings.downloadsBytes) },
    { name: 'DOWNLOADS_FOLDER', value: DOWNLOADS_DIRECTORY },
  ];
}
