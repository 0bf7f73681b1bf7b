/**
 * The tenant's own registries and repositories: one Secret with the files that package managers read, and who in the
 * build pod sees it.
 */
import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import type { JobStart } from '#shared/events/job-start.ts';
import { dependenciesSecret } from '#shared/specs/names.ts';

/** The Secret's keys that are used, each of which may be absent. */
export const PRIVATE_FILES = ['.npmrc', 'pip.conf', '.netrc', '.git-credentials', 'go.env'];

export const PRIVATE_DIRECTORY = '/knative-lambda-private';
/** Made by fetch-context. The step that installs dependencies removes it, and so does every step after that one. */
export const PRIVATE_FOLDER = `${PRIVATE_DIRECTORY}/files`;
export const SECRET_DIRECTORY = '/knative-lambda-secret';

/** In fetch-context alone. */
export const privateSecret: V1VolumeMount = {
  name: 'private-secret',
  mountPath: SECRET_DIRECTORY,
  readOnly: true,
};
/** In fetch-context, which writes the files, and in Kaniko, whose steps use and remove them. */
export const privateFiles: V1VolumeMount = { name: 'private-files', mountPath: PRIVATE_DIRECTORY };

/**
 * Whether the files may come into the pod: where all steps of the Dockerfile are ours, and remove them. A user's own
 * Dockerfile removes nothing, and Rust's build scripts run in the last step as well as in the first.
 */
export function hasPrivateDependencies({ language }: Pick<JobStart, 'language'>): boolean {
  return language === 'node' || language === 'python' || language === 'go';
}

/** No function of ours needs a right to read Secrets: the kubelet mounts it, if there is one. */
export function privateVolumes(data: Pick<JobStart, 'language' | 'third_party_id'>): V1Volume[] {
  if (!hasPrivateDependencies(data)) {
    return [];
  }
  return [
    {
      name: 'private-secret',
      secret: {
        secretName: dependenciesSecret(data),
        optional: true,
        items: PRIVATE_FILES.map((key) => ({ key, path: key })),
      },
    },
    // In memory, so that no disk of a node keeps them. Kaniko takes no mounted volume into an image.
    { name: 'private-files', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
  ];
}
