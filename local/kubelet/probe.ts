/** One look at a container's health. */
import { request } from 'node:http';
import { connect } from 'node:net';
import type { V1Probe } from '@kubernetes/client-node';

export interface ProbeTarget {
  /** Ports of a spec to ports of this machine. */
  port(port: number | string): number;
  /** Runs a command in the container; true where it exits with 0 in time. */
  exec(command: string[], timeoutMs: number): Promise<boolean>;
}

/** Never throws. A redirect counts as success and is not followed, as for a kubelet within one host. gRPC is a TCP connect here. */
export function probe(spec: V1Probe, target: ProbeTarget): Promise<boolean> {
  const timeoutMs = (spec.timeoutSeconds ?? 1) * 1000;
  if (spec.httpGet !== undefined) {
    const headers = Object.fromEntries((spec.httpGet.httpHeaders ?? []).map(({ name, value }) => [name, value]));
    return httpGet(
      target.port(spec.httpGet.port),
      spec.httpGet.path ?? '/',
      { 'user-agent': 'kube-probe/local', ...headers },
      timeoutMs,
    );
  }
  if (spec.exec !== undefined) {
    return target.exec(spec.exec.command ?? [], timeoutMs);
  }
  return tcpConnect(target.port(spec.tcpSocket?.port ?? spec.grpc?.port ?? 0), timeoutMs);
}

function httpGet(port: number, path: string, headers: Record<string, string>, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request(
      { host: '127.0.0.1', port, path, headers, agent: false, signal: AbortSignal.timeout(timeoutMs) },
      (response) => {
        response.resume();
        response.on('error', () => {});
        resolve((response.statusCode ?? 500) >= 200 && (response.statusCode ?? 500) < 400);
      },
    );
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
