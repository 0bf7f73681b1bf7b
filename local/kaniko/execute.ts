/** One run of the executor: what Kaniko does with its flags, in folders. */
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseImageReference } from '#local/kubelet/image-reference.ts';
import { ImageStore } from '#local/kubelet/images.ts';
import { createToolchain } from '#local/kubelet/toolchain.ts';
import { ContentStore, isRepository } from '#local/registry/content-store.ts';
import { isAlive } from '#local/run/process-identity.ts';
import { build } from './build.ts';
import { BuildError } from './build-error.ts';
import { openContext, readDockerfile } from './context.ts';
import { parseDockerfile } from './dockerfile.ts';
import type { BuildOptions } from './flags.ts';
import { LayerCache } from './layer-cache.ts';
import { composeImage, pushImage } from './push-image.ts';
import { removeTree } from './remove-tree.ts';

export interface ExecuteInput {
  options: BuildOptions;
  /** The platform's: images, layers and builds are in it. */
  directory: string;
  /** The build's own, from createWorkspace(). */
  workspace: string;
  /** Folders by the path of their volume in RUN steps. */
  mounts: ReadonlyMap<string, string>;
  path: string;
  log(line: string): void;
}

/** Throws BuildError. */
export async function execute({ options, directory, workspace, mounts, path, log }: ExecuteInput): Promise<void> {
  const destinations = options.destinations.map(parseDestination);
  const root = await openContext(options, join(workspace, 'context'));
  const { content, context } = readDockerfile(options, root);
  const repository = options.cacheRepo || `${destinations[0]?.repository}/cache`;
  const contents = new ContentStore(directory);
  const { rootfs, config, layers } = await build({
    dockerfile: parseDockerfile(content),
    context,
    buildArgs: options.buildArgs,
    workspace,
    mounts,
    toolchain: createToolchain(directory),
    path,
    cache: options.cache ? new LayerCache(directory, repository) : undefined,
    target: { contents, repository: destinations[0]?.repository ?? '' },
    log,
  });
  const image = composeImage(config, layers);
  await new ImageStore(directory).add(image.digest.replace('sha256:', ''), config, rootfs);
  for (const { repository: name, tag } of destinations) {
    log(`INFO Pushing image to ${name}:${tag}`);
    pushImage(contents, { repository: name, tag }, image);
    log(`INFO Pushed ${name}@${image.digest}`);
  }
  if (options.digestFile !== '') {
    writeFileSync(options.digestFile, image.digest);
  }
}

function parseDestination(text: string): { repository: string; tag: string } {
  const { repository, tag, digest } = parseImageReference(text) ?? {};
  if (repository === undefined || tag === undefined || digest !== undefined || !isRepository(repository)) {
    throw new BuildError(`getting tag for destination: could not parse reference: ${text}`);
  }
  return { repository, tag };
}

/** `<directory>/builds/<pid>-…`. What builds left behind that were killed is removed on the way. */
export function createWorkspace(directory: string): string {
  const root = join(directory, 'builds');
  mkdirSync(root, { recursive: true });
  for (const name of readdirSync(root)) {
    const pid = Number(name.split('-')[0]);
    if (Number.isInteger(pid) && !isAlive(pid)) {
      try {
        removeTree(join(root, name));
      } catch {
        // Another build removes it at the same time.
      }
    }
  }
  return mkdtempSync(join(root, `${process.pid}-`));
}
