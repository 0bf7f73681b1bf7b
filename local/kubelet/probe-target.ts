/** How a container's probes reach it on this machine. */
import type { Launch } from './launch.ts';
import type { ContainerSpec } from './pod.ts';
import type { PodContext } from './pod-context.ts';
import type { ProbeTarget } from './probe.ts';
import { spawnProcess } from './spawn-process.ts';

/** Where our own functions serve their metrics unless told otherwise. */
const METRICS_PORT = '9464';

export function probeTarget(context: PodContext, container: ContainerSpec, launch: Launch): ProbeTarget {
  return {
    /** All containers share the machine's loopback: whatever port a spec names is the pod's PORT, save that of the metrics. */
    port(port) {
      const declared =
        typeof port === 'number' ? port : container.ports?.find(({ name }) => name === port)?.containerPort;
      const metrics = container.env?.find(({ name }) => name === 'METRICS_PORT')?.value ?? METRICS_PORT;
      return String(declared) === metrics ? context.metricsPort : context.port;
    },

    async exec(command, timeoutMs) {
      const [program = '', ...args] = command;
      const { guard } = context.node;
      const shell = { file: '/bin/sh', args: ['-c', 'exec "$0" "$@"', program, ...args] };
      const spawned = await spawnProcess({ ...launch, ...shell, logFile: '/dev/null', guard }).catch(() => undefined);
      if (spawned === undefined) {
        return false;
      }
      const timer = setTimeout(() => spawned.signal('SIGKILL'), timeoutMs);
      const exitCode = await spawned.exited;
      clearTimeout(timer);
      return exitCode === 0;
    },
  };
}
