/** One run of the executor: what Kaniko does with its flags, in folders. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImageStore } from '#local/kubelet/images.ts';
import { createToolchain } from '#local/kubelet/toolchain.ts';
import { build } from './build.ts';
import { openContext, readDockerfile } from './context.ts';
import { parseDockerfile } from './dockerfile.ts';
import type { BuildOptions } from './flags.ts';
import { LayerCache } from './layer-cache.ts';
import { digestOf, parseDestination, pushImage } from './push-image.ts';
import { removeTree } from './remove-tree.ts';
import { createWorkspace } from './workspace.ts';

export interface ExecuteInput {
  options: BuildOptions;
  /** The platform's: images, layers and builds are in it. */
  directory: string;
  path: string;
  log(line: string): void;
  /** Called with the build's folder, for whoever must remove it where this is interrupted. */
  onWorkspace(folder: string): void;
}

/** The image's digest, `sha256:…`. Throws BuildError. */
export async function execute(input: ExecuteInput): Promise<string> {
  const { options, directory, log } = input;
  const destinations = options.destinations.map(parseDestination);
  const images = new ImageStore(directory);
  const workspace = createWorkspace(directory);
  input.onWorkspace(workspace);
  try {
    const root = await openContext(options, join(workspace, 'context'));
    const { content, context } = readDockerfile(options, root);
    const repository = options.cacheRepo === '' ? `${destinations[0]?.repository}/cache` : options.cacheRepo;
    const { rootfs, config } = await build({
      dockerfile: parseDockerfile(content),
      context,
      options,
      workspace,
      images,
      toolchain: createToolchain(directory),
      path: input.path,
      cache: options.cache ? new LayerCache(directory, repository) : undefined,
      log,
    });
    const hex = digestOf(rootfs, config);
    const digest = `sha256:${hex}`;
    if (options.push) {
      for (const { repository: name, tag } of destinations) {
        log(`INFO Pushing image to ${name}:${tag}`);
      }
      await pushImage(images, hex, config, rootfs, destinations);
      for (const { repository: name } of destinations) {
        log(`INFO Pushed ${name}@${digest}`);
      }
    }
    const lines = (format: (destination: { repository: string; tag: string }) => string) =>
      destinations.map((destination) => `${format(destination)}\n`).join('');
    write(options.digestFile, digest);
    write(
      options.imageNameWithDigestFile,
      lines(({ repository: name }) => `${name}@${digest}`),
    );
    write(
      options.imageNameTagWithDigestFile,
      lines(({ repository: name, tag }) => `${name}:${tag}@${digest}`),
    );
    return digest;
  } finally {
    removeTree(workspace);
  }
}

function write(file: string, content: string): void {
  if (file !== '') {
    writeFileSync(file, content);
  }
}
