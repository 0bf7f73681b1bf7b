/** From a Dockerfile and its context to a root file system and its configuration. */

import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { baseKind } from '#local/kubelet/base-kinds.ts';
import type { ImageConfig } from '#local/kubelet/images.ts';
import type { Toolchain } from '#local/kubelet/toolchain.ts';
import { baseConfig, toolchainVersion } from './base-image.ts';
import { BuildError } from './build-error.ts';
import type { SourceTree } from './context.ts';
import { copyTree } from './copy-tree.ts';
import type { Dockerfile, Stage } from './dockerfile.ts';
import { expandWord, type Variables } from './dockerfile-words.ts';
import type { LayerCache } from './layer-cache.ts';
import { type FromStage, planStage, type StagePlan, type StageStart } from './plan-stage.ts';

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
  log(line: string): void;
}

/** A stage is only run where something needs its files: not if all that needs them is cached. Throws BuildError. */
export async function build(input: BuildInput): Promise<{ rootfs: string; config: ImageConfig }> {
  const { dockerfile, context, buildArgs, mounts, toolchain, log } = input;
  const variables = globalArgs(input);
  const folders = new Map<StagePlan, Promise<string>>();
  const plans: StagePlan[] = [];
  for (const stage of dockerfile.stages) {
    const from = (name: string): FromStage => {
      const earlier = stageOf(plans, name);
      if (earlier === undefined) {
        throw new BuildError(
          `COPY --from=${name}: there is no earlier stage of that name, and the embedded platform pulls no image; build on a cluster, or put the files into the source`,
        );
      }
      return { key: earlier.key, tree: async () => ({ root: await materialize(earlier), ignored: () => false }) };
    };
    const start = startOf(stage, plans, variables, input);
    plans.push(planStage({ stage, start, buildArgs, globalArgs: variables, context, mounts, toolchain, from, log }));
  }

  /** The stage's folder, once. */
  function materialize(plan: StagePlan): Promise<string> {
    const known = folders.get(plan);
    if (known !== undefined) {
      return known;
    }
    const rootfs = join(input.workspace, `stage-${folders.size}`);
    const folder = runStage(plan, rootfs).then(() => rootfs);
    folders.set(plan, folder);
    return folder;
  }

  async function runStage({ start, steps }: StagePlan, rootfs: string): Promise<void> {
    const restored = restore(steps, rootfs, input);
    if (restored === 0) {
      mkdirSync(rootfs, { recursive: true });
      if (start.stage !== undefined) {
        copyTree(await materialize(start.stage), rootfs);
      }
    }
    for (const { text, key, run, cached } of steps.slice(restored)) {
      if (run !== undefined) {
        log(`INFO ${text}`);
        await run(rootfs);
        if (cached) {
          input.cache?.save(key, rootfs);
        }
      }
    }
  }

  const last = plans.at(-1) as StagePlan;
  return { rootfs: await materialize(last), config: last.config };
}

/** From the last layer that is kept. How many steps it saves. */
function restore(steps: StagePlan['steps'], rootfs: string, { cache, log }: BuildInput): number {
  const hit = steps.findLastIndex((step) => step.cached && cache?.has(step.key));
  const step = steps[hit];
  if (cache === undefined || step === undefined || !cache.restore(step.key, rootfs)) {
    return 0;
  }
  for (const { text } of steps.slice(0, hit + 1).filter(({ cached }) => cached)) {
    log(`INFO Using caching version of cmd: ${text}`);
  }
  return hit + 1;
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
