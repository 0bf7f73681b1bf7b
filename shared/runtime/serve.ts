/** Starts faas-js-runtime with our settings, and without its signal handlers. */
import type { Server } from 'node:http';
import faas from 'faas-js-runtime';
import { overrideListenAddress } from './listen-address.ts';
import type { Answer } from './request.ts';

/** Where to listen: without `host` on every interface. */
export interface ListenAddress {
  host: string | undefined;
  port: number;
}

export interface Service {
  isReady: () => boolean;
  handle: (headers: object) => Promise<Answer>;
}

/** The runtime ends the process with code 1 if the port is taken. */
export async function serve(
  name: string,
  { host, port }: ListenAddress,
  { isReady, handle }: Service,
): Promise<Server> {
  type HealthReply = { code(status: number): { send(body: string): void } };
  const program = {
    handle: (context: { headers: object }) => handle(context.headers),
    liveness: (_: unknown, reply: HealthReply) => reply.code(200).send('OK'),
    readiness: (_: unknown, reply: HealthReply) =>
      isReady() ? reply.code(200).send('OK') : reply.code(503).send('draining'),
  };
  const options = {
    name,
    // As text: the runtime takes the number 0 for a missing port.
    port: String(port),
    logLevel: 'silent',
    // The runtime looks for a func.yaml in this folder, which would override these options. A file contains none.
    config: process.execPath,
  };
  const untouched = keepListeners();
  const restored = overrideListenAddress(host);
  // The runtime's types lack half of its options and the signature of health checks.
  const server = await faas.start(program as never, options as never);
  untouched();
  restored();
  return server;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'uncaughtException'] as const;

/** The runtime's own listeners drop requests in flight and turn a crash into exit code 0. They are removed again. */
function keepListeners(): () => void {
  const before = SIGNALS.map((signal) => new Set<unknown>(process.listeners(signal as NodeJS.Signals)));
  return () => {
    for (const [index, signal] of SIGNALS.entries()) {
      for (const listener of process.listeners(signal as NodeJS.Signals)) {
        if (!before[index]?.has(listener)) {
          process.removeListener(signal, listener);
        }
      }
    }
  };
}
