/** The embedded platform's node: runs every pod of the storage as processes of this machine. */
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectStorage, WatchEvent } from '#local/kubernetes/types.ts';
import type { ImageStore } from './images.ts';
import { startOrphanGuard } from './orphan-guard.ts';
import { isOver, type Pod } from './pod.ts';
import type { Delays, Node } from './pod-context.ts';
import { createPodLogFiles, type PodLogFiles } from './pod-log-files.ts';
import { PodWorker } from './pod-worker.ts';
import { createToolchain } from './toolchain.ts';

export interface KubeletOptions {
  storage: ObjectStorage;
  images: ImageStore;
  /** The platform's (`.local`). `pods/` in it is the kubelet's, emptied at start. */
  directory: string;
  /** Made in `logs/` of the directory where left out. */
  logs?: PodLogFiles;
  /** Path of the kubeconfig that containers with a service account token are told. */
  kubeconfig: string;
  log?: (line: string) => void;
  /** Kubernetes' own where left out. */
  delays?: Partial<Delays>;
}

export interface Kubelet {
  logs: PodLogFiles;
  /** Ends every process of every pod: SIGTERM, SIGKILL after two seconds. Writes no more statuses. */
  close(): Promise<void>;
}

const DELAYS: Delays = {
  restartBaseMs: 10_000,
  restartMaxMs: 300_000,
  restartResetMs: 600_000,
  retryMs: 500,
};

const CLOSE_GRACE_MS = 2000;
/** Who follows a log reads it to its end, also where the pod goes at once: it looks five times a second. */
const LAST_LOOK_MS = 600;

/** Where the process id of the guard stands that ends our pods should we be killed. */
export function guardFile(directory: string): string {
  return join(directory, 'orphan-guard.pid');
}

export function startKubelet(options: KubeletOptions): Kubelet {
  const { storage } = options;
  const directory = resolve(options.directory);
  const podsDirectory = join(directory, 'pods');
  rmSync(podsDirectory, { recursive: true, force: true });
  mkdirSync(podsDirectory, { recursive: true });
  const logs = options.logs ?? createPodLogFiles(join(directory, 'logs'), storage);
  const node: Node = {
    storage,
    images: options.images,
    logs,
    guard: startOrphanGuard(guardFile(directory)),
    toolchain: createToolchain(directory),
    kubeconfig: options.kubeconfig,
    delays: { ...DELAYS, ...options.delays },
    log: options.log ?? (() => {}),
  };
  let closed = false;
  const closing = new AbortController();
  const workers = new Map<string, PodWorker>();
  /** Of pods that are removed, until their last process has ended. */
  const leaving = new Set<Promise<void>>();

  /** Pods whose removal has been asked for: each further change of such a pod would ask again. */
  const removing = new Set<string>();

  /** Our part in a deletion: the object stays until no process of it is left. */
  const finishRemoval = async (pod: Pod, worker: PodWorker | undefined): Promise<void> => {
    const { namespace, name, uid } = pod.metadata;
    removing.add(uid);
    await worker?.finished;
    // Removed by force meanwhile, and perhaps made anew under the same name.
    if (closed || storage.get('pods', namespace, name)?.metadata.uid !== uid) {
      return;
    }
    storage.remove('pods', namespace, name, { gracePeriodSeconds: 0, uid });
  };

  const onEvent = ({ type, object }: WatchEvent) => {
    const pod = object as Pod;
    const { uid, deletionTimestamp } = pod.metadata;
    const worker = workers.get(uid);
    if (type === 'DELETED') {
      workers.delete(uid);
      removing.delete(uid);
      if (worker === undefined) {
        return;
      }
      worker.forget();
      const left = worker.finished
        .then(() => sleep(LAST_LOOK_MS, undefined, { signal: closing.signal }).catch(() => {}))
        .then(() => logs.remove(pod))
        .finally(() => leaving.delete(left));
      leaving.add(left);
      return;
    }
    if (worker !== undefined) {
      worker.update(pod);
    } else if (deletionTimestamp === undefined && !isOver(pod)) {
      workers.set(uid, new PodWorker(node, pod, podsDirectory));
    }
    if (deletionTimestamp !== undefined && !removing.has(uid)) {
      void finishRemoval(pod, worker);
    }
  };
  const stopWatching = storage.watch('pods', onEvent);

  return {
    logs,
    async close() {
      closed = true;
      closing.abort();
      stopWatching();
      for (const worker of workers.values()) {
        worker.shutDown(CLOSE_GRACE_MS);
      }
      await Promise.all([...[...workers.values()].map(({ finished }) => finished), ...leaving]);
      await node.guard.close();
    },
  };
}
