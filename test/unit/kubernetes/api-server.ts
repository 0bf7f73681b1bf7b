/** A running API for one test, and the plainest client of it. */
import { request } from 'node:http';
import { type KubernetesApi, startKubernetesApi } from '#local/kubernetes/start-kubernetes-api.ts';
import type { Storage } from '#local/kubernetes/storage.ts';
import type { PodLogs } from '#local/kubernetes/types.ts';
import { createCluster, NAMESPACE } from './objects.ts';

// biome-ignore lint/suspicious/noExplicitAny: an answer has whatever fields it has; the test says which it expects.
type Json = any;

export interface Reply {
  code: number;
  type: string;
  body: Json;
}

export interface Server extends KubernetesApi {
  storage: Storage;
  /** By `pod/container`; absent where it has not started. */
  logs: Map<string, string>;
  /** The times of the logs' lines; unknown until then. */
  stamp(times: () => string[]): void;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  /** The lines of a watch as they come, until it ends or the loop is left. */
  watch(path: string, headers?: Record<string, string>): AsyncGenerator<{ type: string; object: Json }>;
}

export const CONFIG_MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
export const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
export const JOBS = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs`;
export const SERVICES = `/apis/serving.knative.dev/v1/namespaces/${NAMESPACE}/services`;

export async function startServer(): Promise<Server> {
  const storage = createCluster();
  const logs = new Map<string, string>();
  const read = async (_namespace: string, pod: string, container: string) => {
    const text = logs.get(`${pod}/${container}`);
    return text === undefined ? undefined : Buffer.from(text);
  };
  const podLogs: PodLogs = { read };
  const api = await startKubernetesApi({ storage, logs: podLogs, port: 0 });
  return {
    ...api,
    storage,
    logs,
    stamp: (times) => {
      podLogs.times = times;
    },
    call: (...args) => call(api.url, ...args),
    watch: (...args) => watch(api.url, ...args),
  };
}

async function call(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const type =
    text === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) };
  // Not by fetch, which sends no Host of our choosing.
  return new Promise((resolve, reject) => {
    const outgoing = request(url + path, { method, headers: { ...type, ...headers } }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) {
        chunks.push(chunk as Buffer);
      }
      const answer = Buffer.concat(chunks).toString();
      const contentType = response.headers['content-type'] ?? '';
      const parsed = contentType.startsWith('application/json') ? JSON.parse(answer) : answer;
      resolve({ code: response.statusCode ?? 0, type: contentType, body: parsed });
    });
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}

async function* watch(
  url: string,
  path: string,
  headers: Record<string, string> = {},
): AsyncGenerator<{ type: string; object: Json }> {
  const controller = new AbortController();
  try {
    const response = await fetch(url + path, { headers, signal: controller.signal });
    let rest = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        yield JSON.parse(line);
      }
    }
  } finally {
    controller.abort();
  }
}
