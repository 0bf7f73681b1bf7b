/** Jobs as this folder sees them: the spec as users write it, the status as the API shows it (times are strings). */
import type { V1JobSpec } from '@kubernetes/client-node';
import type { KubeObject } from '#shared/kubernetes/object.ts';

export interface Job extends KubeObject {
  metadata: KubeObject['metadata'] & { namespace: string; uid: string };
  spec: V1JobSpec;
  status?: JobStatus;
}

export interface JobStatus {
  startTime?: string;
  completionTime?: string;
  active?: number;
  ready?: number;
  succeeded?: number;
  failed?: number;
  terminating?: number;
  uncountedTerminatedPods?: object;
  conditions?: JobCondition[];
}

export interface JobCondition {
  type: JobConditionType;
  status: 'True' | 'False';
  lastProbeTime: string;
  lastTransitionTime: string;
  reason: string;
  message: string;
}

/** The two `…Target`-like ones come first, while pods still end; Complete and Failed once none is left. */
export type JobConditionType = 'SuccessCriteriaMet' | 'Complete' | 'FailureTarget' | 'Failed' | 'Suspended';

export type FailureReason = 'BackoffLimitExceeded' | 'DeadlineExceeded' | 'PodFailurePolicy';

export function conditionOf(job: Job, type: JobConditionType): JobCondition | undefined {
  return job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

/** Its Complete or Failed condition, where it has one. */
export function finishOf(job: Job): JobCondition | undefined {
  return conditionOf(job, 'Complete') ?? conditionOf(job, 'Failed');
}
