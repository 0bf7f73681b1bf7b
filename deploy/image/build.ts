/** What every way of building the image is given. */
import { proxyArguments } from '#shared/specs/build-pod/kaniko.ts';
import type { ImageSettings } from './settings.ts';
import type { ImageVersion } from './version.ts';

export interface ImageBuild {
  /** The folder of the Dockerfile. */
  root: string;
  /** With its tag. */
  image: string;
  /** Its host. */
  registry: string;
  made: ImageVersion;
  settings: ImageSettings;
  /** The registry speaks HTTP, or has a certificate that nobody vouches for. */
  insecure: boolean;
  /** Such as linux/amd64, where this machine is of another kind than the cluster's. */
  platform?: string | undefined;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  /** Progress, a line at a time. */
  tell: (line: string) => void;
}

/** Thrown where the build or the push failed: what failed, and what to do next. */
export class ImageBuildError extends Error {
  override readonly name = 'ImageBuildError';
}

/** The Dockerfile's arguments, and the proxy's, which RUN steps see without an ARG line. */
export function buildArguments({ settings, made }: ImageBuild): string[] {
  const { NODE_IMAGE, BUILD_HTTP_PROXY } = settings;
  const own = [
    ...(NODE_IMAGE ? [`NODE_IMAGE=${NODE_IMAGE}`] : []),
    `VERSION=${made.version}`,
    `COMMIT=${made.commit}`,
  ].map((argument) => `--build-arg=${argument}`);
  return [...own, ...proxyArguments(BUILD_HTTP_PROXY)];
}
