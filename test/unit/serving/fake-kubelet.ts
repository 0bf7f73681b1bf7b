/** Runs pods as HTTP servers in this process: image names are keys of `images`. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';

export type FakeImage =
  | { serve: (pod: string) => RequestListener; startMilliseconds?: number }
  | { exitCode: number; message: string };

export class FakeKubelet {
  /** Pods that are being served, by name. */
  readonly running = new Map<string, Server>();
  /** The most that ran together. */
  peak = 0;
  readonly #storage: ObjectStorage;
  readonly #images: Record<string, FakeImage>;
  readonly #seen = new Set<string>();
  readonly #work = new Set<Promise<void>>();
  readonly #stop: () => void;

  constructor(storage: ObjectStorage, images: Record<string, FakeImage>) {
    this.#storage = storage;
    this.#images = images;
    this.#stop = storage.watch('pods', ({ type, object }) => {
      const work = type !== 'DELETED' && object.metadata.deletionTimestamp ? this.#end(object) : this.#start(object);
      this.#work.add(work);
      void work.finally(() => this.#work.delete(work));
    });
  }

  /** The process dies; its pod is told as failed. */
  async kill(name: string, namespace: string): Promise<void> {
    await this.#close(name);
    this.#storage.updateStatus('pods', namespace, name, { phase: 'Failed' });
  }

  /** The process is gone, and nobody has noticed yet. */
  async vanish(name: string): Promise<void> {
    await this.#close(name);
  }

  async close(): Promise<void> {
    this.#stop();
    await Promise.all(this.#work);
    await Promise.all([...this.running.keys()].map((name) => this.#close(name)));
  }

  async #start(pod: KubeObject): Promise<void> {
    const { name, namespace, annotations } = pod.metadata;
    if (this.#seen.has(name)) {
      return;
    }
    this.#seen.add(name);
    const container = pod['spec'].containers[0];
    const image = this.#images[container.image];
    const status = (more: object): void => {
      this.#storage.updateStatus('pods', namespace, name, more);
    };
    if (image === undefined) {
      const waiting = { reason: 'ErrImagePull', message: `there is no image ${container.image}` };
      status({ phase: 'Pending', containerStatuses: [{ name: container.name, state: { waiting } }] });
      return;
    }
    if ('exitCode' in image) {
      const terminated = { exitCode: image.exitCode, message: image.message, reason: 'Error' };
      const waiting = { reason: 'CrashLoopBackOff' };
      status({
        phase: 'Running',
        containerStatuses: [{ name: container.name, state: { waiting }, lastState: { terminated } }],
      });
      return;
    }
    const server = createServer(image.serve(name));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await new Promise((resolve) => setTimeout(resolve, image.startMilliseconds ?? 0));
    const current = this.#storage.get('pods', namespace, name);
    if (!current || current.metadata.deletionTimestamp) {
      server.close();
      return;
    }
    this.running.set(name, server);
    this.peak = Math.max(this.peak, this.running.size);
    const port = String((server.address() as AddressInfo).port);
    current.metadata.annotations = { ...annotations, 'local.knative-lambda/port': port };
    this.#storage.update(current);
    status({
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [{ name: container.name, ready: true, state: { running: {} } }],
    });
  }

  async #end(pod: KubeObject): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    await this.#close(name);
    this.#storage.remove('pods', namespace, name, { gracePeriodSeconds: 0, ...(uid ? { uid } : {}) });
  }

  async #close(name: string): Promise<void> {
    const server = this.running.get(name);
    this.running.delete(name);
    if (server) {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    }
  }
}
