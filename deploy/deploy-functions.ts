/**
 * Deploys the builder's functions, the door first. An older one acknowledges the calls of functions that the new
 * build-complete deploys, and makes none: so the new one has to be Ready, and the queues that it hands calls on to.
 */
import pLimit from 'p-limit';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { applyDocuments, applyFolder } from './apply.ts';
import { DOOR, writeComposition } from './compose.ts';
import { deployFunction, type FunctionStep, functionStep } from './deploy-function.ts';
import { ROOT } from './environment.ts';
import type { Plan } from './plan.ts';
import { kubectl, type Run } from './run.ts';
import { waitUntilReady } from './wait-until-ready.ts';

/** Functions deployed at once. func waits until each is Ready, and each starts a pod. */
const AT_ONCE = 3;

export interface Deploying {
  /** All that was applied, but for the functions. */
  objects: KubeObject[];
  force: boolean;
  say: (line: string) => void;
  /** Milliseconds. */
  timeout: number;
}

const DONE: Record<FunctionStep, string> = { nothing: 'unchanged', patch: 'settings changed', deploy: 'deployed' };

export async function deployFunctions(run: Run, plan: Plan, how: Deploying): Promise<void> {
  const { namespace } = plan.environment;
  how.say('Deploying the functions …');
  const answer = await kubectl(run, ['get', 'services.serving.knative.dev', '-n', namespace, '-o', 'json']);
  const live: KubeObject[] = JSON.parse(answer).items;
  const { services } = plan.composition;
  const door = services.find(isDoor);
  if (door && live.some(isDoor)) {
    if (plan.deployer === 'kubectl') {
      await applyDocuments(run, [door], how.force);
    } else {
      await deployOne(run, door, { plan, live, say: how.say });
    }
    await waitForDoor(run, door, namespace, how);
  }
  if (plan.deployer === 'kubectl') {
    writeComposition(plan.environment, plan.composition, { withFunctions: true });
    await applyFolder(run, plan.environment.folder, how.force);
    return;
  }
  const others = door && live.some(isDoor) ? services.filter((service) => !isDoor(service)) : services;
  await deployAll(run, others, { plan, live, say: how.say });
}

interface OnCluster {
  plan: Plan;
  live: KubeObject[];
  say: (line: string) => void;
}

async function deployAll(run: Run, services: KubeObject[], where: OnCluster): Promise<void> {
  const limit = pLimit(AT_ONCE);
  const results = await Promise.allSettled(services.map((wanted) => limit(() => deployOne(run, wanted, where))));
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason.message)] : []));
  if (failures.length > 0) {
    throw new Error(`${failures.join('\n')}\nThe others are deployed; the same command tries these again`);
  }
}

async function deployOne(run: Run, wanted: KubeObject, { plan, live, say }: OnCluster): Promise<void> {
  const { name } = wanted.metadata;
  const { composition, image } = plan;
  const patch = composition.patchOf(name);
  const step = functionStep(
    live.find(({ metadata }) => metadata.name === name),
    wanted,
    patch,
  );
  await deployFunction(run, step, { root: ROOT, wanted, image, patch });
  say(`  ${name}: ${DONE[step]}`);
}

async function waitForDoor(run: Run, door: KubeObject, namespace: string, { objects, say, timeout }: Deploying) {
  const triggers = objects.filter(({ kind, spec }) => kind === 'Trigger' && spec.subscriber?.ref?.name === DOOR);
  await waitUntilReady(run, { namespace, wanted: [door, ...triggers], say, timeout });
}

function isDoor({ metadata }: KubeObject): boolean {
  return metadata.name === DOOR;
}
