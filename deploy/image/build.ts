/** What every builder of the image is given. */
import { proxyArguments } from '#shared/specs/build-pod/kaniko.ts';
import type { ImageSettings } from './settings.ts';
import type { ImageVersion } from './version.ts';

export interface ImageBuild {
  /** The folder of the Dockerfile. */
  root: string;
  /** With its tag. */
  image: string;
  /** Host and port of the registry. */
  registry: string;
  made: ImageVersion;
  settings: ImageSettings;
  /** The registry speaks HTTP, or has a certificate that no known authority has signed. */
  insecure: boolean;
  /** For example linux/amd64, where the cluster's machines are of another kind than this one. */
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

/** The arguments of the Dockerfile, and those of the proxy, which RUN steps see without an ARG line. */
export function buildArguments({ settings, made }: ImageBuild): string[] {
  const { NODE_IMAGE, BUILD_HTTP_PROXY } = settings;
  const own = [
    ...(NODE_IMAGE ? [`NODE_IMAGE=${NODE_IMAGE}`] : []),
    `VERSION=${made.version}`,
    `COMMIT=${made.commit}`,
  ].map((argument) => `--build-arg=${argument}`);
  return [...own, ...proxyArguments(BUILD_HTTP_PROXY)];
}
