/** Security contexts of the build pod's containers. */
import type { V1SecurityContext } from '@kubernetes/client-node';

/** For our own two containers: as strict as possible. */
export const unprivileged: V1SecurityContext = {
  runAsNonRoot: true,
  runAsUser: 65532,
  runAsGroup: 65532,
  readOnlyRootFilesystem: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

/**
 * Kaniko unpacks the base image over its own root file system and changes owners and users there. It needs root, a
 * writable root file system and these five capabilities, which Pod Security `baseline` allows and `restricted` does
 * not.
 */
export const rootWithoutPrivilege: V1SecurityContext = {
  runAsNonRoot: false,
  runAsUser: 0,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'], add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID'] },
  seccompProfile: { type: 'RuntimeDefault' },
};
