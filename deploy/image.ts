/** `make image`: builds our image, pushes it, and writes its digest reference to .deploy/image for `make deploy`. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { say, sayError } from '#shared/say.ts';
import { type ImageBuild, ImageBuildError } from './image/build.ts';
import { type Builder, BuilderError, chooseBuilder } from './image/builder.ts';
import { contextPaths } from './image/context.ts';
import { buildWithEngine } from './image/engine.ts';
import { buildWithKaniko } from './image/kaniko.ts';
import { ImageNameError, parseImageName } from './image/name.ts';
import { buildWithPack } from './image/pack.ts';
import { readImageSettings } from './image/settings.ts';
import { imageVersion } from './image/version.ts';

/** Make's variables. */
interface ImageRequest {
  IMAGE?: string | undefined;
  ENV?: string | undefined;
  SETTINGS?: string | undefined;
  BUILDER?: string | undefined;
  PLATFORM?: string | undefined;
  REGISTRY_INSECURE?: string | undefined;
}

/** The digest reference of what was pushed. */
export async function makeImage(root: string, request: ImageRequest, signal: AbortSignal): Promise<string> {
  const made = await imageVersion(root, contextPaths(root));
  const { registry, repository, tag } = parseImageName(request.IMAGE, made.tag);
  const file = request.SETTINGS ? resolve(request.SETTINGS) : join(root, `.env.${request.ENV || 'dev'}`);
  const { settings, problems } = readImageSettings(file, Boolean(request.SETTINGS));
  if (problems.length > 0) {
    throw new ImageBuildError(problems.join('\n'));
  }
  if (!existsSync(file)) {
    sayError(`there is no ${file}: the image is built without settings`);
  }
  const builder = await chooseBuilder(request.BUILDER, registry);
  const digest = await builders[builder]({
    root,
    image: `${repository}:${tag}`,
    registry,
    made,
    settings,
    insecure: /^(1|true|yes)$/i.test(request.REGISTRY_INSECURE ?? ''),
    platform: request.PLATFORM || undefined,
    signal,
    tell: sayError,
  });
  const reference = `${repository}@${digest}`;
  mkdirSync(join(root, '.deploy'), { recursive: true });
  writeFileSync(join(root, '.deploy/image'), `${reference}\n`);
  return reference;
}

const builders: Record<Builder, (build: ImageBuild) => Promise<string>> = {
  docker: (build) => buildWithEngine('docker', build),
  podman: (build) => buildWithEngine('podman', build),
  buildah: (build) => buildWithEngine('buildah', build),
  kaniko: buildWithKaniko,
  pack: buildWithPack,
};

if (import.meta.main) {
  const stop = new AbortController();
  // Not `once`: a second signal must not end the process before Kaniko's namespace is deleted.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stop.abort());
  }
  try {
    say(await makeImage(join(import.meta.dirname, '..'), process.env, stop.signal));
    sayError('kept in .deploy/image, which `make deploy` takes');
  } catch (error) {
    const isExpected = [ImageBuildError, ImageNameError, BuilderError].some((kind) => error instanceof kind);
    sayError(stop.signal.aborted ? 'stopped' : isExpected ? error : inspect(error));
    process.exitCode = stop.signal.aborted ? 130 : 1;
  }
}
