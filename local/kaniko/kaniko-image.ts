/** The image whose program stands in for Kaniko's executor. */
import { join, resolve } from 'node:path';
import type { BuiltInImage } from '#local/kubelet/images.ts';

/** `directory` is the platform's. Register it under the name that the configuration gives Kaniko's image. */
export function kanikoImage(directory: string): BuiltInImage {
  return {
    workingDir: '/',
    // By its full path: a RUN step must not be able to put another node in front.
    entrypoint: [process.execPath, join(import.meta.dirname, 'main.ts')],
    env: { KNATIVE_LAMBDA_DIRECTORY: resolve(directory) },
  };
}
