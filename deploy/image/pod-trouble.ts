/** Why the pod in which Kaniko builds our image does not start, and what to do about it. */
import type { V1Pod } from '@kubernetes/client-node';
import { type StartTrouble, startTroubles } from '#shared/kubernetes/start-troubles.ts';

const ADVICE: Record<string, string> = {
  ErrImagePull: 'mend KANIKO_IMAGE in the settings, or give REGISTRY_CONFIG_FILE if its registry asks who you are',
  CreateContainerConfigError: 'look at the message; the namespace is made anew at each try',
  RunContainerError: 'KANIKO_IMAGE in the settings must be an executor of Kaniko',
};
/** The kubelet retries these for ever; by then the first try has failed at least twice, or none can succeed. */
const FATAL: Record<string, string> = {
  ImagePullBackOff: 'ErrImagePull',
  InvalidImageName: 'ErrImagePull',
  ErrImageNeverPull: 'ErrImagePull',
  CreateContainerConfigError: 'CreateContainerConfigError',
  CreateContainerError: 'RunContainerError',
  RunContainerError: 'RunContainerError',
};

export function podTrouble(pod: V1Pod): { fatal: boolean; problem?: string } {
  const problems = startTroubles(pod).map(problemOf);
  return problems.find(({ fatal }) => fatal) ?? problems[0] ?? { fatal: false };
}

function problemOf(trouble: StartTrouble): { fatal: boolean; problem?: string } {
  if (trouble.kind === 'unscheduled') {
    return {
      fatal: false,
      problem: `no node takes the build's pod: ${trouble.message}; BUILD_CPU_REQUEST and BUILD_MEMORY_REQUEST in the settings say what it asks for`,
    };
  }
  const { image, reason, message } = trouble;
  const advice = FATAL[reason];
  if (advice) {
    const said = message ? ` (${message.replace(/^Back-off.*?: ErrImagePull: /, '').slice(0, 300)})` : '';
    return { fatal: true, problem: `${image} cannot be started: ${reason}${said}; ${ADVICE[advice]}` };
  }
  return reason === 'ErrImagePull'
    ? { fatal: false, problem: `${image} cannot be pulled yet: ${message ?? reason}` }
    : { fatal: false };
}
