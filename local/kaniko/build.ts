/** From a Dockerfile and its context to a root file system and its configuration. */

import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { baseKind } from '#local/kubelet/base-kinds.ts';
import type { Toolchain } from '#local/kubelet/toolchain.ts';
import type { ImageConfig, Layer } from '#local/registry/oci-image.ts';
import { baseConfig, baseLayers } from '#local/registry/stand-in.ts';
import { toolchainVersion } from './base-image.ts';
import { BuildError } from './build-error.ts';
import type { SourceTree } from './context.ts';
import { copyTree } from './copy-tree.ts';
import type { Dockerfile, Stage } from './dockerfile.ts';
import { expandWord, type Variables } from './dockerfile-words.ts';
import type { LayerCache } from './layer-cache.ts';
import { type FromStage, planStage, type StagePlan, type StageStart } from './plan-stage.ts';
import { type LayerTarget, StageLayers } from './stage-layers.ts';

export interface BuildInput {
  dockerfile: Dockerfile;
  context: SourceTree;
  buildArgs: Readonly<Record<string, string>>;
  /** For the stages; on the same file system as the images and layers. */
  workspace: string;
  /** Folders by the path of their volume in RUN steps. */
  mounts: ReadonlyMap<string, string>;
  toolchain: Toolchain;
  /** The machine's PATH, where the toolchain is looked up. */
  path: string;
  cache: LayerCache | undefined;
  target: LayerTarget;
  log(line: string): void;
}

export interface BuiltImage {
  rootfs: string;
  config: ImageConfig;
  /** What makes the rootfs when they are unpacked one after the other. */
  layers: readonly Layer[];
}

interface StageFolder {
  rootfs: string;
  /** Of the stages that the image is made of; of others nobody needs them. */
  layers: readonly Layer[];
}

/** A stage is only run where something needs its files: not if all that needs them is cached. Throws BuildError. */
export async function build(input: BuildInput): Promise<BuiltImage> {
  const { dockerfile, context, buildArgs, mounts, toolchain, log } = input;
  const variables = globalArgs(input);
  const folders = new Map<StagePlan, Promise<StageFolder>>();
  const plans: StagePlan[] = [];
  for (const stage of dockerfile.stages) {
    const from = (name: string): FromStage => {
      const earlier = stageOf(plans, name);
      if (earlier === undefined) {
        throw new BuildError(
          `COPY --from=${name}: there is no earlier stage of that name, and the embedded platform pulls no image; build on a cluster, or put the files into the source`,
        );
      }
      return {
        key: earlier.key,
        tree: async () => ({ root: (await materialize(earlier)).rootfs, ignored: () => false }),
      };
    };
    const start = startOf(stage, plans, variables, input);
    plans.push(planStage({ stage, start, buildArgs, globalArgs: variables, context, mounts, toolchain, from, log }));
  }

  const last = plans.at(-1) as StagePlan;
  const inImage = new Set<StagePlan>();
  for (let plan: StagePlan | undefined = last; plan !== undefined; plan = plan.start.stage) {
    inImage.add(plan);
  }

  /** The stage's folder, once. */
  function materialize(plan: StagePlan): Promise<StageFolder> {
    const known = folders.get(plan);
    if (known !== undefined) {
      return known;
    }
    const rootfs = join(input.workspace, `stage-${folders.size}`);
    const folder = runStage(plan, rootfs).then((layers) => ({ rootfs, layers }));
    folders.set(plan, folder);
    return folder;
  }

  /** Its beginning: from the cache, from another stage or from nothing. `done` of its steps are in it. */
  async function begin(plan: StagePlan, rootfs: string): Promise<{ done: number; layers: readonly Layer[] }> {
    const { start, steps } = plan;
    const restored = restore(steps, rootfs, inImage.has(plan), input);
    if (restored !== undefined) {
      return restored;
    }
    mkdirSync(rootfs, { recursive: true });
    if (start.stage === undefined) {
      const { contents, repository } = input.target;
      return { done: 0, layers: baseLayers(contents, repository, start.config.base) };
    }
    const earlier = await materialize(start.stage);
    copyTree(earlier.rootfs, rootfs);
    return { done: 0, layers: earlier.layers };
  }

  async function runStage(plan: StagePlan, rootfs: string): Promise<readonly Layer[]> {
    const withLayers = inImage.has(plan);
    const { done, layers } = await begin(plan, rootfs);
    const taken = withLayers ? new StageLayers(input.target, rootfs, layers) : undefined;
    for (const { text, key, run, cached } of plan.steps.slice(done)) {
      if (run !== undefined) {
        log(`INFO ${text}`);
        await run(rootfs);
        await taken?.take(text);
        if (cached) {
          input.cache?.save(cacheKey(key, withLayers), rootfs, taken?.layers);
        }
      }
    }
    return taken?.layers ?? [];
  }

  return { ...(await materialize(last)), config: last.config };
}

/** Kept for an image, a root file system comes with its layers. */
function cacheKey(key: string, withLayers: boolean): string {
  return withLayers ? `${key}-layers` : key;
}

/** From the last root file system that is kept. `done` is how many steps it saves. */
function restore(
  steps: StagePlan['steps'],
  rootfs: string,
  withLayers: boolean,
  { cache, target, log }: BuildInput,
): { done: number; layers: Layer[] } | undefined {
  const hit = steps.findLastIndex((step) => step.cached && cache?.has(cacheKey(step.key, withLayers)));
  const step = steps[hit];
  if (cache === undefined || step === undefined) {
    return undefined;
  }
  const key = cacheKey(step.key, withLayers);
  const layers = cache.layersOf(key);
  if (!layers.every(({ blob }) => target.contents.adopt(target.repository, blob))) {
    // Somebody has emptied the registry.
    cache.remove(key);
    return undefined;
  }
  if (!cache.restore(key, rootfs)) {
    return undefined;
  }
  for (const { text } of steps.slice(0, hit + 1).filter(({ cached }) => cached)) {
    log(`INFO Using caching version of cmd: ${text}`);
  }
  return { done: hit + 1, layers };
}

/** By name or number. */
function stageOf(plans: readonly StagePlan[], name: string): StagePlan | undefined {
  return /^\d+$/.test(name) ? plans[Number(name)] : plans.findLast((plan) => plan.name === name.toLowerCase());
}

function startOf(
  { from }: Stage,
  plans: readonly StagePlan[],
  variables: Variables,
  { path, log }: BuildInput,
): StageStart {
  const [text = ''] = from.text.split(/\s+/);
  const name = expandWord(text, variables);
  if (name === '') {
    throw new BuildError(`FROM on line ${from.line}: base name (${text}) should not be blank`);
  }
  const stage = /^\d+$/.test(name) ? undefined : stageOf(plans, name);
  if (stage !== undefined) {
    return { stage, config: stage.config, key: stage.key };
  }
  const kind = baseKind(name);
  if (kind === 'none' && !/(^scratch$|(^|[/-])(static|base|debian|ubuntu|alpine|wolfi|busybox))/.test(name)) {
    log(
      `WARN ${name} is an image the embedded platform does not know and cannot pull: an empty folder and this machine's tools stand in for it`,
    );
  }
  const key = createHash('sha256')
    .update(`FROM ${name}\n${toolchainVersion(kind, path)}`)
    .digest('hex');
  return { stage: undefined, config: baseConfig(kind), key };
}

/** ARGs before the first FROM, with the platform's own that every build has. */
function globalArgs({ dockerfile, buildArgs }: BuildInput): Variables {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const args: Record<string, string> = {};
  for (const side of ['BUILD', 'TARGET']) {
    args[`${side}OS`] = 'linux';
    args[`${side}ARCH`] = architecture;
    args[`${side}PLATFORM`] = `linux/${architecture}`;
  }
  for (const [name, text] of dockerfile.globalArgs.flatMap(({ pairs }) => pairs)) {
    const value = Object.hasOwn(buildArgs, name) ? buildArgs[name] : text && expandWord(text, args);
    if (value !== undefined) {
      args[name] = value;
    }
  }
  return args;
}
