/** A kubelet on an empty cluster, with a folder of its own. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ImageStore } from '#local/kubelet/images.ts';
import { type Kubelet, startKubelet } from '#local/kubelet/kubelet.ts';
import type { ContainerStatus, Pod } from '#local/kubelet/pod.ts';
import { createStorage } from '#local/kubernetes/storage.ts';
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';

export const IMAGE = 'registry.test/tools:1';

export interface TestNode {
  storage: ObjectStorage;
  images: ImageStore;
  kubelet: Kubelet;
  directory: string;
  /** Creates a pod of one container `main` that runs a shell script, unless the spec says otherwise. */
  pod(name: string, spec: Record<string, unknown>): KubeObject;
  sh(script: string, container?: Record<string, unknown>): Record<string, unknown>;
  get(name: string): StatusOf | undefined;
  /** Waits until the pod satisfies the condition; the error shows the last status. */
  until(name: string, condition: (pod: StatusOf) => boolean): Promise<StatusOf>;
  gone(name: string): Promise<void>;
  log(name: string, container?: string): Promise<string>;
  close(): Promise<void>;
}

export interface StatusOf extends Pod {
  status: {
    phase: string;
    message?: string;
    conditions: { type: string; status: string; reason?: string }[];
    initContainerStatuses?: ContainerStatus[];
    containerStatuses: ContainerStatus[];
  };
}

export function startNode(delays: Parameters<typeof startKubelet>[0]['delays'] = {}): TestNode {
  const directory = mkdtempSync(join(tmpdir(), 'kubelet-'));
  mkdirSync(join(directory, 'app'));
  const storage = createStorage();
  storage.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns' } });
  const images = new ImageStore(directory);
  images.register(IMAGE, {
    folders: { '/app': join(directory, 'app') },
    workingDir: '/app',
    entrypoint: ['/bin/sh', '-c'],
  });
  const kubelet = startKubelet({
    storage,
    images,
    directory,
    kubeconfig: '/somewhere/kubeconfig',
    delays: { restartBaseMs: 10, retryMs: 20, ...delays },
  });
  const get = (name: string) => storage.get('pods', 'ns', name) as StatusOf | undefined;
  return {
    storage,
    images,
    kubelet,
    directory,
    get,
    // `$$` is how a spec writes `$`.
    sh: (script, container = {}) => ({
      name: 'main',
      image: IMAGE,
      args: [script.replaceAll('$$', '$$$$$$$$')],
      ...container,
    }),
    pod: (name, spec) => storage.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'ns' }, spec }),
    async until(name, condition) {
      const deadline = performance.now() + 10_000;
      for (;;) {
        const pod = get(name);
        if (pod?.status?.containerStatuses !== undefined && condition(pod)) {
          return pod;
        }
        if (performance.now() > deadline) {
          throw new Error(`in vain: ${JSON.stringify(pod?.status, undefined, 2)}`);
        }
        await sleep(5);
      }
    },
    async gone(name) {
      const deadline = performance.now() + 10_000;
      while (get(name) !== undefined) {
        if (performance.now() > deadline) {
          throw new Error(`pod ${name} is still there`);
        }
        await sleep(5);
      }
    },
    async log(name, container = 'main') {
      return (await kubelet.logs.read('ns', name, container))?.toString() ?? '';
    },
    async close() {
      await kubelet.close();
      rmSync(directory, { recursive: true, force: true });
      if (existsSync(directory)) {
        throw new Error(`${directory} is still there`);
      }
    },
  };
}

/** A zombie is dead: whoever should reap it is not ours. */
export function isAlive(pid: number): boolean {
  const state = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
  return state !== '' && !state.startsWith('Z');
}

export async function dead(pid: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (isAlive(pid)) {
    if (performance.now() > deadline) {
      throw new Error(`process ${pid} is still alive`);
    }
    await sleep(10);
  }
}

export const terminated = (status: ContainerStatus | undefined) =>
  status !== undefined && 'terminated' in status.state ? status.state.terminated : undefined;
export const waiting = (status: ContainerStatus | undefined) =>
  status !== undefined && 'waiting' in status.state ? status.state.waiting : undefined;
export const running = (status: ContainerStatus | undefined) =>
  status !== undefined && 'running' in status.state ? status.state.running : undefined;
