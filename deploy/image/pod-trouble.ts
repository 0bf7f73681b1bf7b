/** Why a pod that does not start does not. */
import type { V1Pod } from '@kubernetes/client-node';

const ADVICE: Record<string, string> = {
  ErrImagePull: 'mend KANIKO_IMAGE in the settings, or give REGISTRY_CONFIG_FILE if its registry asks who you are',
  CreateContainerConfigError: 'look at the message; the namespace is made anew at each try',
  RunContainerError: 'KANIKO_IMAGE in the settings must be an executor of Kaniko',
};
// The kubelet tries these again for ever; by then it has failed at least twice, or never can succeed.
const FATAL: Record<string, string> = {
  ImagePullBackOff: 'ErrImagePull',
  InvalidImageName: 'ErrImagePull',
  ErrImageNeverPull: 'ErrImagePull',
  CreateContainerConfigError: 'CreateContainerConfigError',
  CreateContainerError: 'RunContainerError',
  RunContainerError: 'RunContainerError',
};

export function podTrouble(pod: V1Pod): { fatal: boolean; problem?: string } {
  const waiting = pod.status?.containerStatuses?.[0]?.state?.waiting;
  const reason = waiting?.reason ?? '';
  if (FATAL[reason]) {
    const said = waiting?.message
      ? ` (${waiting.message.replace(/^Back-off.*?: ErrImagePull: /, '').slice(0, 300)})`
      : '';
    return {
      fatal: true,
      problem: `${pod.spec?.containers[0]?.image} cannot be started: ${reason}${said}; ${ADVICE[FATAL[reason]]}`,
    };
  }
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') {
    return {
      fatal: false,
      problem: `no node takes the build's pod: ${scheduled.message ?? scheduled.reason}; BUILD_CPU_REQUEST and BUILD_MEMORY_REQUEST in the settings say what it asks for`,
    };
  }
  return reason === 'ErrImagePull'
    ? { fatal: false, problem: `${pod.spec?.containers[0]?.image} cannot be pulled yet: ${waiting?.message ?? reason}` }
    : { fatal: false };
}
