/** The log of a container, line by line, while it is written: what the API client cannot stream. */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { createInterface } from 'node:readline';
import { KubeConfig } from '@kubernetes/client-node';
import { networkCode } from '#shared/network-code.ts';
import { classify } from './classify.ts';

export interface LogSource {
  namespace: string;
  pod: string;
  container: string;
  /** RFC 3339: only lines since then. */
  since?: string | undefined;
  follow: boolean;
  /** Only so many bytes of it. */
  limitBytes?: number;
}

export interface PodLine {
  /** RFC 3339. */
  time: string;
  text: string;
}

/** Ends with the container's run, or when `signal` is aborted. A log that is not there (any more) is empty. */
export type StreamPodLog = (source: LogSource, signal: AbortSignal) => AsyncGenerator<PodLine, void>;

/** A line that a container writes may have any length; a longer one is cut. */
const LONGEST_LINE = 16 * 1024;
const STAMPED = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) (.*)$/s;

export function createStreamPodLog(kubeConfig: KubeConfig = defaultConfig()): StreamPodLog {
  return async function* (source, signal) {
    const answer = await open(kubeConfig, source, signal);
    if (!answer) {
      return;
    }
    try {
      for await (const line of createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY })) {
        yield lineOf(line.slice(0, LONGEST_LINE));
      }
    } catch (error) {
      if (!signal.aborted) {
        throw error;
      }
    } finally {
      answer.destroy();
    }
  };
}

/** Undefined where there is no such pod, or its container has not started. */
async function open(kubeConfig: KubeConfig, source: LogSource, signal: AbortSignal) {
  const { namespace, pod, container, since, follow, limitBytes } = source;
  const server = kubeConfig.getCurrentCluster()?.server ?? '';
  const url = new URL(`${server}/api/v1/namespaces/${namespace}/pods/${pod}/log`);
  const query = { container, timestamps: 'true', follow: String(follow), ...(since ? { sinceTime: since } : {}) };
  for (const [name, value] of Object.entries(query)) {
    url.searchParams.set(name, value);
  }
  if (limitBytes !== undefined) {
    url.searchParams.set('limitBytes', String(limitBytes));
  }
  const options: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = {};
  await kubeConfig.applyToHTTPSOptions(options);
  const { promise, resolve, reject } = Promise.withResolvers<import('node:http').IncomingMessage>();
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  const sent = send(url, { ...options, ...(url.protocol === 'https:' ? {} : { agent: undefined }), signal } as object);
  sent.once('response', resolve).once('error', reject).end();
  const answer = await promise.catch((error: unknown) => {
    if (signal.aborted) {
      return undefined;
    }
    throw classify({
      kind: 'no-answer',
      system: 'Kubernetes',
      doing: `reading the log of ${pod}`,
      detail: networkCode(error),
    });
  });
  if (!answer || answer.statusCode === 200) {
    return answer;
  }
  answer.resume();
  // 400: the container waits to start, or is none of this pod. 404: the pod is gone.
  if (answer.statusCode === 400 || answer.statusCode === 404) {
    return undefined;
  }
  const kind = answer.statusCode === 403 ? 'forbidden' : 'unavailable';
  throw classify({
    kind,
    system: 'Kubernetes',
    doing: `reading the log of ${pod}`,
    detail: `HTTP ${answer.statusCode}`,
  });
}

/** A line without a time, such as the rest of a cut one, gets that at which it is read. */
function lineOf(line: string): PodLine {
  const [, time, text = ''] = STAMPED.exec(line) ?? [];
  return time === undefined ? { time: new Date().toISOString(), text: line } : { time, text };
}

function defaultConfig(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromDefault();
  return config;
}
