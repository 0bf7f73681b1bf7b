/** The port is the adapter's. A server of the user's that takes it first is found at its own line. */
import { Server } from 'node:net';

/** Throws inside `listen` of whoever takes the port. Returns what ends that. */
export function keepPort(port = '8080'): () => void {
  const { listen } = Server.prototype;
  Server.prototype.listen = function listenElsewhere(this: Server, ...args: unknown[]) {
    const [first] = args;
    const asked = typeof first === 'object' && first !== null ? (first as { port?: unknown }).port : first;
    if (String(asked) === port) {
      throw new Error(
        `port ${port} can't be listened on: PORT is set by the platform, which listens there itself. Leave it alone, and export a function`,
      );
    }
    return (listen as (...all: unknown[]) => Server).apply(this, args);
  } as typeof listen;
  return () => {
    Server.prototype.listen = listen;
  };
}
