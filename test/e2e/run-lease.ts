/** A Lease says that a run of the suite, or of the benchmarks, is alive. Without its heartbeat it is a killed one. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { ApiException, type CoordinationV1Api, type V1Lease, V1MicroTime } from '@kubernetes/client-node';

export const COMPONENT = 'app.kubernetes.io/component';
const RUN = 'e2e-run';

const HEARTBEAT_MILLISECONDS = 10_000;
/** An API server that restarts must not end a run. */
const DEAD_AFTER_MILLISECONDS = 180_000;
const SETTLED_AFTER_MILLISECONDS = 1_800_000;

export interface RunLease {
  /** In the name of all that the run makes. */
  run: string;
  /** Nobody can stop the heartbeat but this. */
  release(): Promise<void>;
  /** The Lease stays: what comes late is found by the next run. */
  abandon(): void;
}

/** `orphaned` is called once, where make has started this process and is gone: a signal has hit it alone. */
export async function takeRunLease(api: CoordinationV1Api, namespace: string, orphaned: () => void): Promise<RunLease> {
  const run = `r${randomBytes(3).toString('hex')}`;
  const name = `${RUN}-${run}`;
  const beating = () => ({ holderIdentity: `${hostname()}/${process.pid}`, renewTime: new V1MicroTime() });
  await api.createNamespacedLease({
    namespace,
    body: { metadata: { name, labels: { [COMPONENT]: RUN } }, spec: beating() },
  });
  const parent = process.ppid;
  const heart = setInterval(async () => {
    if (process.env['MAKELEVEL'] && process.ppid !== parent) {
      clearInterval(heart);
      orphaned();
      return;
    }
    try {
      const lease = await api.readNamespacedLease({ name, namespace });
      await api.replaceNamespacedLease({ name, namespace, body: { ...lease, spec: beating() } });
    } catch {
      // The next beat may succeed.
    }
  }, HEARTBEAT_MILLISECONDS);
  const abandon = () => clearInterval(heart);
  return {
    run,
    abandon,
    async release() {
      abandon();
      await removeLease(api, namespace, run);
    },
  };
}

/** Runs that were killed, or that a signal has ended. */
export async function deadRuns(api: CoordinationV1Api, namespace: string): Promise<string[]> {
  const { items } = await api.listNamespacedLease({ namespace, labelSelector: `${COMPONENT}=${RUN}` });
  return items
    .filter((lease) => !isAlive(lease, Date.now()))
    .map(({ metadata }) => metadata?.name?.slice(RUN.length + 1) ?? '');
}

async function removeLease(api: CoordinationV1Api, namespace: string, run: string): Promise<void> {
  await api.deleteNamespacedLease({ name: `${RUN}-${run}`, namespace }).catch((error: unknown) => {
    if (!(error instanceof ApiException) || error.code !== 404) {
      throw error;
    }
  });
}

/** A build that was under way may still be deployed: until that cannot be, the next run looks again. */
export async function removeSettledLease(api: CoordinationV1Api, namespace: string, run: string): Promise<void> {
  const { spec } = await api.readNamespacedLease({ name: `${RUN}-${run}`, namespace });
  if (Date.now() - Date.parse(String(spec?.renewTime)) > SETTLED_AFTER_MILLISECONDS) {
    await removeLease(api, namespace, run);
  }
}

/** A process of this very machine need not be waited for. */
export function isAlive({ spec }: V1Lease, now: number): boolean {
  const [host, pid] = spec?.holderIdentity?.split('/') ?? [];
  // A string, whatever the client's type says.
  const isFresh = now - Date.parse(String(spec?.renewTime)) < DEAD_AFTER_MILLISECONDS;
  return isFresh && (host !== hostname() || isRunning(Number(pid)));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
