/** Container output on disk: a file for each start of each container, kept as long as the pod. */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectStorage, PodLogs } from '#local/kubernetes/types.ts';
import { LineTimes } from './line-times.ts';
import type { Pod } from './pod.ts';

export interface PodLogFiles extends PodLogs {
  /** The file for the next run of a container. */
  next(pod: Pod, container: string): string;
  remove(pod: Pod): Promise<void>;
}

/** Of what lies in the directory, the logs of pods that there are stay; the rest is removed. */
export function createPodLogFiles(directory: string, storage: ObjectStorage): PodLogFiles {
  /**
   * By namespace/pod/container, the files in the order of the runs. A pod of the same name replaces its predecessor's
   * entry.
   */
  const files = new Map<string, { uid: string; runs: string[] }>();
  /** By file. */
  const times = new Map<string, LineTimes>();
  const folderOf = (pod: Pod) => join(directory, pod.metadata.namespace, `${pod.metadata.name}_${pod.metadata.uid}`);

  const folders = new Map((storage.list('pods') as Pod[]).map((pod) => [folderOf(pod), pod]));
  for (const folder of list(directory).flatMap(list)) {
    const pod = folders.get(folder);
    if (pod === undefined) {
      rmSync(folder, { recursive: true, force: true });
    } else {
      for (const container of readdirSync(folder)) {
        restore(pod, container);
      }
    }
  }

  function restore(pod: Pod, container: string): void {
    const { namespace, name, uid } = pod.metadata;
    const folder = join(folderOf(pod), container);
    const runs = readdirSync(folder).map((_, run) => join(folder, `${run}.log`));
    files.set(`${namespace}/${name}/${container}`, { uid, runs });
  }

  return {
    async read(namespace, pod, container) {
      const file = files.get(`${namespace}/${pod}/${container}`)?.runs.at(-1);
      return file === undefined ? undefined : await readFile(file).catch(() => undefined);
    },
    times(namespace, pod, container, text) {
      const file = files.get(`${namespace}/${pod}/${container}`)?.runs.at(-1);
      const written = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false })?.mtime;
      if (file === undefined || written === undefined) {
        return undefined;
      }
      const known = times.get(file) ?? new LineTimes();
      times.set(file, known);
      return known.of(text, written);
    },
    next(pod, container) {
      const key = `${pod.metadata.namespace}/${pod.metadata.name}/${container}`;
      const known = files.get(key);
      const runs = known?.uid === pod.metadata.uid ? known.runs : [];
      const folder = join(folderOf(pod), container);
      mkdirSync(folder, { recursive: true });
      const file = join(folder, `${runs.length}.log`);
      files.set(key, { uid: pod.metadata.uid, runs: [...runs, file] });
      return file;
    },
    async remove(pod) {
      for (const [key, { uid, runs }] of files) {
        if (uid === pod.metadata.uid) {
          files.delete(key);
          for (const file of runs) {
            times.delete(file);
          }
        }
      }
      await rm(folderOf(pod), { recursive: true, force: true });
    },
  };
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}
