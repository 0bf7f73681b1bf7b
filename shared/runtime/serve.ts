/** faas-js-runtime, told what it does not read from the environment and relieved of what it does wrong. */
import type { Server } from 'node:http';
import faas from 'faas-js-runtime';
import { overrideListenAddress } from './listen-address.ts';
import type { Answer } from './request.ts';

export interface Service {
  isReady: () => boolean;
  handle: (headers: object) => Promise<Answer>;
}

/** Ends the process with code 1 where the port is taken: so does the runtime. */
export async function serve(name: string, port: number, { isReady, handle }: Service): Promise<Server> {
  type HealthReply = { code(status: number): { send(body: string): void } };
  const program = {
    handle: (context: { headers: object }) => handle(context.headers),
    liveness: (_: unknown, reply: HealthReply) => reply.code(200).send('OK'),
    readiness: (_: unknown, reply: HealthReply) =>
      isReady() ? reply.code(200).send('OK') : reply.code(503).send('draining'),
  };
  const options = {
    name,
    // As text, since the runtime takes the number 0 for none given.
    port: String(port),
    logLevel: 'silent',
    // A func.yaml beside the process would override all of this; beneath a file there cannot be one.
    config: process.execPath,
  };
  const untouched = keepListeners();
  const restored = overrideListenAddress();
  // The runtime's types know neither half of its options nor how it calls health checks.
  const server = await faas.start(program as never, options as never);
  untouched();
  restored();
  return server;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'uncaughtException'] as const;

/** The runtime's own listeners drop what is in flight and turn a crash into exit code 0: they go again. */
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
