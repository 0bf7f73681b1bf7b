/** What a Job's podFailurePolicy says about a failed pod. */
import type { V1PodFailurePolicyRule } from '@kubernetes/client-node';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Job } from './job.ts';

export interface FailureVerdict {
  action: 'FailJob' | 'Ignore' | 'Count';
  /** As Kubernetes words it in the Job's condition. */
  message: string;
}

interface EndedContainer {
  name: string;
  state?: { terminated?: { exitCode: number } };
}

/** The first rule that matches counts; none is Count. FailIndex, for indexed Jobs alone, is Count as well. */
export function judgeFailure(job: Job, pod: KubeObject): FailureVerdict {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  for (const [index, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    const what = matchExitCodes(rule, pod, name) ?? matchConditions(rule, pod, name);
    if (what === undefined) {
      continue;
    }
    const action = rule.action === 'FailJob' || rule.action === 'Ignore' ? rule.action : 'Count';
    return { action, message: `${what} matching ${rule.action} rule at index ${index}` };
  }
  return { action: 'Count', message: `Pod ${name} failed` };
}

function matchExitCodes(rule: V1PodFailurePolicyRule, pod: KubeObject, name: string): string | undefined {
  const wanted = rule.onExitCodes;
  if (wanted === undefined) {
    return undefined;
  }
  const status = pod['status'] ?? {};
  const ended = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])] as EndedContainer[];
  for (const container of ended) {
    const exitCode = container.state?.terminated?.exitCode;
    // Kubernetes never lets a rule match success, not even `NotIn`.
    if (exitCode === undefined || exitCode === 0) {
      continue;
    }
    if (wanted.containerName !== undefined && wanted.containerName !== container.name) {
      continue;
    }
    if (wanted.values.includes(exitCode) !== (wanted.operator === 'In')) {
      continue;
    }
    return `Container ${container.name} for pod ${name} failed with exit code ${exitCode}`;
  }
  return undefined;
}

function matchConditions(rule: V1PodFailurePolicyRule, pod: KubeObject, name: string): string | undefined {
  const conditions = (pod['status']?.conditions ?? []) as { type: string; status: string }[];
  for (const wanted of rule.onPodConditions ?? []) {
    const match = conditions.some(({ type, status }) => type === wanted.type && status === (wanted.status ?? 'True'));
    if (match) {
      return `Pod ${name} has condition ${wanted.type}`;
    }
  }
  return undefined;
}
