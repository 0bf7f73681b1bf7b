/** A pod's containers, each with the restart policy that is its own. */
import { Container, type RestartPolicy } from './container.ts';
import { type ContainerSpec, isSidecar } from './pod.ts';
import type { PodContext } from './pod-context.ts';

export function createContainers(context: PodContext): { inits: Container[]; mains: Container[] } {
  const { spec } = context.pod;
  const policy = (spec.restartPolicy ?? 'Always') as RestartPolicy;
  const initPolicy = (container: ContainerSpec) =>
    isSidecar(container) ? 'Always' : policy === 'Never' ? 'Never' : 'OnFailure';
  const inits = (spec.initContainers ?? []).map(
    (container) => new Container(context, container, initPolicy(container), 'PodInitializing'),
  );
  const waiting = inits.length > 0 ? 'PodInitializing' : 'ContainerCreating';
  return { inits, mains: spec.containers.map((container) => new Container(context, container, policy, waiting)) };
}
