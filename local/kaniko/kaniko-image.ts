/** The image whose program stands in for Kaniko's executor. */
import { join, resolve } from 'node:path';
import type { BuiltInImage } from '#local/kubelet/images.ts';

/** The volumes that RUN steps use: see private-dependencies.ts and downloads.ts of shared/specs/build-pod. */
export const PRIVATE_DIRECTORY = '/knative-lambda-private';
export const DOWNLOADS_DIRECTORY = '/knative-lambda-downloads';

/** `directory` is the platform's. Register it under the name that the configuration gives Kaniko's image. */
export function kanikoImage(directory: string): BuiltInImage {
  return {
    workingDir: '/',
    // By its full path: a RUN step must not be able to put another node in front.
    entrypoint: [process.execPath, join(import.meta.dirname, 'main.ts')],
    env: {
      KNATIVE_LAMBDA_DIRECTORY: resolve(directory),
      // The kubelet replaces them by the volumes' folders.
      KNATIVE_LAMBDA_PRIVATE: PRIVATE_DIRECTORY,
      KNATIVE_LAMBDA_DOWNLOADS: DOWNLOADS_DIRECTORY,
    },
  };
}
