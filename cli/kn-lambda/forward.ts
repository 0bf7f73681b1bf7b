/**
 * The way to a Service of Knative whose address this machine cannot resolve: kubectl's port-forward to the activator.
 * A forward to the Service's pods would not do, for it may have none. The activator starts one.
 */
import { spawn } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { createInterface } from 'node:readline';
import { type ClusterOptions, kubectlFlags } from './kubectl.ts';

const NAMESPACE = 'knative-serving';
const SERVICE = 'svc/activator-service';
const LONGEST_MS = 10_000;

export interface Forward {
  /** Of this machine. */
  server: string;
  /** By them the activator knows whom a request is for. */
  headers: Record<string, string>;
}

export async function isResolvable(address: string): Promise<boolean> {
  try {
    await lookup(new URL(address).hostname);
    return true;
  } catch {
    return false;
  }
}

/** Undefined where kubectl cannot open it, or may not. It ends with this process. */
export async function forwardTo(
  { namespace, revision }: { namespace: string; revision: string },
  options: ClusterOptions,
): Promise<Forward | undefined> {
  const args = [...kubectlFlags(options), 'port-forward', '-n', NAMESPACE, SERVICE, ':80', '--address', '127.0.0.1'];
  const child = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  process.once('exit', () => child.kill());
  const port = await new Promise<string | undefined>((resolve) => {
    const giveUp = setTimeout(() => resolve(undefined), LONGEST_MS);
    const settle = (value: string | undefined): void => {
      clearTimeout(giveUp);
      resolve(value);
    };
    child.once('error', () => settle(undefined));
    child.once('exit', () => settle(undefined));
    createInterface(child.stdout).on('line', (line) => {
      const [, found] = /^Forwarding from 127\.0\.0\.1:(\d+) /.exec(line) ?? [];
      if (found !== undefined) {
        settle(found);
      }
    });
  });
  if (port === undefined) {
    child.kill();
    return undefined;
  }
  // The command must be able to end while it is open.
  child.unref();
  (child.stdout as unknown as { unref(): void }).unref();
  return {
    server: `http://127.0.0.1:${port}`,
    headers: { 'knative-serving-namespace': namespace, 'knative-serving-revision': revision },
  };
}
