/** One look at a container's health. */
import { request } from 'node:http';
import { connect } from 'node:net';
import type { V1Probe } from '@kubernetes/client-node';
import type { ContainerSpec } from './pod.ts';
import type { PodContext } from './pod-context.ts';

/** Where our own functions serve their metrics unless told otherwise. */
const METRICS_PORT = '9464';

/**
 * Never throws. Commands and gRPC are not asked: such a probe passes. A redirect counts as success and is not followed,
 * as for a kubelet within one host.
 */
export async function probe(spec: V1Probe, container: ContainerSpec, pod: PodContext): Promise<boolean> {
  const timeoutMs = (spec.timeoutSeconds ?? 1) * 1000;
  const { httpGet, tcpSocket } = spec;
  if (httpGet !== undefined) {
    return await get(portOf(httpGet.port, container, pod), httpGet.path ?? '/', timeoutMs);
  }
  return tcpSocket === undefined || (await tcpConnect(portOf(tcpSocket.port, container, pod), timeoutMs));
}

/**
 * All containers share the machine's loopback: whatever port a spec names is the pod's PORT, save that of the metrics.
 */
function portOf(port: number | string, { ports, env }: ContainerSpec, pod: PodContext): number {
  const declared = typeof port === 'number' ? port : ports?.find(({ name }) => name === port)?.containerPort;
  const metrics = env?.find(({ name }) => name === 'METRICS_PORT')?.value ?? METRICS_PORT;
  return String(declared) === metrics ? pod.metricsPort : pod.port;
}

function get(port: number, path: string, timeoutMs: number): Promise<boolean> {
  const headers = { 'user-agent': 'kube-probe/local' };
  const signal = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path, headers, agent: false, signal }, (response) => {
      response.resume();
      response.on('error', () => {});
      resolve((response.statusCode ?? 500) >= 200 && (response.statusCode ?? 500) < 400);
    });
    sent.on('error', () => resolve(false));
    sent.end();
  });
}

function tcpConnect(port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (success: boolean) => {
      socket.destroy();
      resolve(success);
    };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
