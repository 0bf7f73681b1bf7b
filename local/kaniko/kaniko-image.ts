/** The image whose program stands in for Kaniko's executor. */
import { join, resolve } from 'node:path';
import type { BuiltInImage } from '#local/kubelet/images.ts';

/** The one volume that RUN steps use: see shared/specs/build-pod/private-dependencies.ts. */
export const PRIVATE_DIRECTORY = '/knative-lambda-private';

/** `directory` is the platform's. Register it under the name that the configuration gives Kaniko's image. */
export function kanikoImage(directory: string): BuiltInImage {
  return {
    workingDir: '/',
    // By its full path: a RUN step must not be able to put another node in front.
    entrypoint: [process.execPath, join(import.meta.dirname, 'main.ts')],
    env: {
      KNATIVE_LAMBDA_DIRECTORY: resolve(directory),
      // The kubelet replaces it by the volume's folder.
      KNATIVE_LAMBDA_PRIVATE: PRIVATE_DIRECTORY,
    },
  };
}
