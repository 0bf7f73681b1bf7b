/** What a pod's containers share. */
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import type { ImageStore } from './images.ts';
import type { OrphanGuard } from './orphan-guard.ts';
import type { Pod } from './pod.ts';
import type { PodLogFiles } from './pod-log-files.ts';
import type { Toolchain } from './toolchain.ts';

/** How long to wait before trying again; Kubernetes' own values unless a test says otherwise. */
export interface Delays {
  /** First restart after a crash comes at once, the second after this, doubling. */
  restartBaseMs: number;
  restartMaxMs: number;
  /** A container that ran this long starts over with the back-off. */
  restartResetMs: number;
  /** For an image, ConfigMap or Secret that is missing. */
  retryMs: number;
}

/** The kubelet's, the same for every pod. */
export interface Node {
  storage: ObjectStorage;
  images: ImageStore;
  logs: PodLogFiles;
  guard: OrphanGuard;
  toolchain: Toolchain;
  /** Path of the kubeconfig for containers that have a service account token. */
  kubeconfig: string;
  delays: Delays;
  log: (line: string) => void;
}

export interface PodContext {
  readonly node: Node;
  /** As last seen. */
  readonly pod: Pod;
  /** The pod's own, removed with it. */
  readonly folder: string;
  /** Folders of the volumes by name. */
  readonly volumes: ReadonlyMap<string, string>;
  readonly port: number;
  readonly metricsPort: number;
  /** A container's status changed. */
  changed(): void;
}
