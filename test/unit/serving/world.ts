/** A cluster of its own for one test: storage, a kubelet, Serving with short times, and a client. */
import { request as httpRequest, type RequestListener } from 'node:http';
import { createStorage } from '#local/kubernetes/storage.ts';
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import type { ServingOptions } from '#local/serving/revision-runtime.ts';
import { type Serving, startServing } from '#local/serving/start-serving.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { type FakeImage, FakeKubelet } from './fake-kubelet.ts';

export const NAMESPACE = 'functions';

/** Short, so that a test sees a function come and go. */
const SHORT = { stableWindowSeconds: 0.5, scaleToZeroGraceSeconds: 0.1, tickMilliseconds: 20 };

export interface Answer {
  status: number;
  text: string;
  headers: Record<string, string | string[] | undefined>;
}

export interface World {
  storage: ObjectStorage;
  kubelet: FakeKubelet;
  serving: Serving;
  apply(name: string, service: ServiceShape): KubeObject;
  service(name: string): KubeObject | undefined;
  condition(name: string, type: string): { status: string; reason?: string; message?: string } | undefined;
  ready(name: string): Promise<void>;
  call(name: string, options?: CallOptions): Promise<Answer>;
  /** Serving ends and starts again, with nothing but storage to know from. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface ServiceShape {
  image: string;
  annotations?: Record<string, string>;
  spec?: Record<string, unknown>;
  container?: Record<string, unknown>;
}

interface CallOptions {
  host?: string;
  path?: string;
  method?: string;
  body?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export async function createWorld(
  images: Record<string, FakeImage>,
  options: Partial<ServingOptions> = {},
): Promise<World> {
  const storage = createStorage();
  storage.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  const kubelet = new FakeKubelet(storage, images);
  const start = () => startServing({ storage, options: { ...SHORT, ...options } });
  let serving = await start();
  const service = (name: string) => storage.get('services.serving.knative.dev', NAMESPACE, name);
  const condition: World['condition'] = (name, type) =>
    service(name)?.['status']?.conditions?.find((entry: { type: string }) => entry.type === type);
  return {
    storage,
    kubelet,
    get serving() {
      return serving;
    },
    service,
    condition,
    apply: (name, shape) => storage.apply(serviceObject(name, shape), { fieldManager: 'test', force: true }),
    ready: (name) => until(() => condition(name, 'Ready')?.status === 'True', `${name} to be ready`),
    call: (name, options = {}) => call(serving.url, { host: `${name}.${NAMESPACE}.localhost`, ...options }),
    restart: async () => {
      await serving.close();
      serving = await start();
    },
    close: async () => {
      await serving.close();
      await kubelet.close();
    },
  };
}

export function serviceObject(name: string, shape: ServiceShape): KubeObject {
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      template: {
        ...(shape.annotations ? { metadata: { annotations: shape.annotations } } : {}),
        spec: { ...shape.spec, containers: [{ image: shape.image, ...shape.container }] },
      },
    },
  };
}

export function autoscaling(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`autoscaling.knative.dev/${key}`, value]));
}

/** An image whose pods answer after so long, with their name and how many requests they held at most. */
export function busy(
  milliseconds: number,
  startMilliseconds = 0,
): FakeImage & { most: () => number; served: () => number } {
  let most = 0;
  let served = 0;
  const serve = (pod: string): RequestListener => {
    let now = 0;
    return (request, response) => {
      now += 1;
      served += 1;
      most = Math.max(most, now);
      request.resume();
      setTimeout(() => {
        now -= 1;
        response.end(pod);
      }, milliseconds);
    };
  };
  return { serve, startMilliseconds, most: () => most, served: () => served };
}

export async function until(holds: () => boolean, what: string, milliseconds = 10_000): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!holds()) {
    if (Date.now() > end) {
      throw new Error(`waited ${milliseconds} ms in vain for ${what}`);
    }
    await sleep(10);
  }
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** node:http, since fetch does not let us choose the Host header. */
function call(url: string, { host, path = '/', method = 'GET', body, headers, signal }: CallOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { path, method, agent: false, signal, headers: { ...headers, host } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          text: Buffer.concat(chunks).toString().trimEnd(),
          headers: response.headers,
        }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
