/** From a Dockerfile and its context to a root file system and its configuration. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageStore } from '#local/kubelet/images.ts';
import type { Toolchain } from '#local/kubelet/toolchain.ts';
import { baseKind, toolchainVersion } from './base-image.ts';
import { BuildError } from './build-error.ts';
import type { SourceTree } from './context.ts';
import { copyTree } from './copy-tree.ts';
import type { Dockerfile, Stage } from './dockerfile.ts';
import { expandWord, type Variables } from './dockerfile-words.ts';
import type { BuildOptions } from './flags.ts';
import type { LayerCache } from './layer-cache.ts';
import { planStage } from './plan-stage.ts';
import { baseConfig, type StageConfig } from './stage-config.ts';
import type { StagePlan, StageStart } from './stage-plan.ts';

export interface BuildInput {
  dockerfile: Dockerfile;
  context: SourceTree;
  options: BuildOptions;
  /** For the stages; on the same file system as the images and layers. */
  workspace: string;
  images: ImageStore;
  toolchain: Toolchain;
  /** The machine's PATH, where the toolchain is looked up. */
  path: string;
  cache: LayerCache | undefined;
  log(line: string): void;
}

export interface BuildResult {
  rootfs: string;
  config: StageConfig;
}

/** A stage is only run where something needs its files: not if all that needs them is cached. Throws BuildError. */
export async function build(input: BuildInput): Promise<BuildResult> {
  const { dockerfile, options } = input;
  const last = targetStage(dockerfile, options.target);
  const planner = new BuildPlanner(input);
  const plan = await planner.plan(last);
  const rootfs = await planner.materialize(plan);
  return { rootfs, config: { ...plan.config, labels: { ...plan.config.labels, ...options.labels } } };
}

function targetStage({ stages }: Dockerfile, target: string): number {
  if (target === '') {
    return stages.length - 1;
  }
  const index = stageIndex(stages, target);
  if (index === undefined) {
    throw new BuildError(`${target} is not a valid target build stage`);
  }
  return index;
}

/** By name or number. */
function stageIndex(stages: readonly Stage[], name: string): number | undefined {
  const index = /^\d+$/.test(name) ? Number(name) : stages.findLastIndex((stage) => stage.name === name.toLowerCase());
  return index >= 0 && index < stages.length ? index : undefined;
}

class BuildPlanner {
  readonly #input: BuildInput;
  readonly #globalArgs: Variables;
  readonly #plans = new Map<number, Promise<StagePlan>>();
  readonly #folders = new Map<StagePlan, Promise<string>>();

  constructor(input: BuildInput) {
    this.#input = input;
    this.#globalArgs = globalArgs(input);
  }

  plan(index: number): Promise<StagePlan> {
    const known = this.#plans.get(index);
    if (known !== undefined) {
      return known;
    }
    const plan = this.#planStage(index);
    this.#plans.set(index, plan);
    return plan;
  }

  async #planStage(index: number): Promise<StagePlan> {
    const { dockerfile, context, options, toolchain } = this.#input;
    const stage = dockerfile.stages[index];
    if (stage === undefined) {
      throw new BuildError(`there is no build stage ${index}`);
    }
    const base = await this.#base(stage, index);
    return await planStage({
      stage,
      escapeChar: dockerfile.escapeChar,
      ...base,
      options,
      globalArgs: this.#globalArgs,
      context,
      toolchain,
      from: (name) => this.#from(name, index),
      warn: (message) => this.#input.log(`WARN ${message}`),
    });
  }

  async #base(stage: Stage, index: number): Promise<{ start: StageStart; config: StageConfig; key: string }> {
    const { dockerfile, images, path, log } = this.#input;
    const [text = ''] = stage.from.text.split(/\s+/);
    const name = expandWord(text, this.#globalArgs, dockerfile.escapeChar);
    if (name === '') {
      throw new BuildError(`FROM on line ${stage.from.line}: base name (${text}) should not be blank`);
    }
    const earlier = stageIndex(dockerfile.stages.slice(0, index), /^\d+$/.test(name) ? '-' : name);
    if (earlier !== undefined) {
      const plan = await this.plan(earlier);
      return { start: { kind: 'stage', stage: plan }, config: plan.config, key: plan.key };
    }
    const built = await images.resolve(name);
    if (built !== undefined) {
      const { rootfs, digest, ...config } = built;
      const start: StageStart = { kind: 'folder', rootfs };
      return { start, config: { ...baseConfig(built.base), ...config }, key: digest };
    }
    const kind = baseKind(name);
    if (
      kind === 'none' &&
      name !== 'scratch' &&
      !/(^|[/-])(static|base|debian|ubuntu|alpine|wolfi|busybox)/.test(name)
    ) {
      log(
        `WARN ${name} is an image the embedded platform does not know and cannot pull: an empty folder and this machine's tools stand in for it`,
      );
    }
    const version = toolchainVersion(kind, path);
    const key = createHash('sha256').update(`FROM ${name}\n${version}`).digest('hex');
    return { start: { kind: 'empty' }, config: baseConfig(kind), key };
  }

  async #from(name: string, index: number): Promise<{ key: string; tree: () => Promise<SourceTree> }> {
    const earlier = stageIndex(this.#input.dockerfile.stages.slice(0, index), name);
    const whole = (root: string): SourceTree => ({ root, ignored: () => false });
    if (earlier !== undefined) {
      const plan = await this.plan(earlier);
      return { key: plan.key, tree: async () => whole(await this.materialize(plan)) };
    }
    const image = await this.#input.images.resolve(name);
    if (image !== undefined) {
      return { key: image.digest, tree: async () => whole(image.rootfs) };
    }
    throw new BuildError(
      `COPY --from=${name}: there is no earlier stage and no image built on this platform of that name, and the embedded platform pulls none; build on a cluster, or put the files into the source`,
    );
  }

  /** The stage's folder, once. */
  materialize(plan: StagePlan): Promise<string> {
    const known = this.#folders.get(plan);
    if (known !== undefined) {
      return known;
    }
    const rootfs = join(this.#input.workspace, `stage-${this.#folders.size}`);
    const folder = this.#run(plan, rootfs).then(() => rootfs);
    this.#folders.set(plan, folder);
    return folder;
  }

  async #run({ start, steps }: StagePlan, rootfs: string): Promise<void> {
    const { cache, log } = this.#input;
    let next = 0;
    const hit = cache === undefined ? -1 : steps.findLastIndex((step) => step.cached && cache.has(step.key));
    const step = steps[hit];
    if (cache !== undefined && step !== undefined && cache.restore(step.key, rootfs)) {
      for (const cached of steps.slice(0, hit + 1)) {
        if (cached.cached) {
          log(`INFO Using caching version of cmd: ${cached.text}`);
        }
      }
      next = hit + 1;
    } else {
      mkdirSync(rootfs, { recursive: true });
      if (start.kind === 'stage') {
        copyTree(await this.materialize(start.stage), rootfs);
      }
      if (start.kind === 'folder') {
        copyTree(start.rootfs, rootfs);
      }
    }
    for (const { text, key, run, cached } of steps.slice(next)) {
      if (run === undefined) {
        continue;
      }
      if (cached && cache !== undefined) {
        log(`INFO No cached layer found for cmd ${text}`);
      }
      log(`INFO ${text}`);
      await run(rootfs);
      if (cached) {
        cache?.save(key, rootfs);
      }
    }
  }
}

/** ARGs before the first FROM, with the platform's own that every build has. */
function globalArgs({ dockerfile, options }: BuildInput): Variables {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const args: Record<string, string> = {};
  for (const side of ['BUILD', 'TARGET']) {
    args[`${side}OS`] = 'linux';
    args[`${side}ARCH`] = architecture;
    args[`${side}PLATFORM`] = `linux/${architecture}`;
  }
  for (const { pairs } of dockerfile.globalArgs) {
    for (const [name, text] of pairs) {
      const given = Object.hasOwn(options.buildArgs, name) ? options.buildArgs[name] : undefined;
      const value = given ?? (text === undefined ? undefined : expandWord(text, args, dockerfile.escapeChar));
      if (value !== undefined) {
        args[name] = value;
      }
    }
  }
  return args;
}
