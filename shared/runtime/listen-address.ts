/** Where a function listens: on every interface, as a pod must, unless HOST says otherwise. */
import { Server } from 'node:net';

/** A laptop has neighbours: the embedded platform sets 127.0.0.1. */
export function listenAddress(): string | undefined {
  return process.env['HOST'] || undefined;
}

/** The runtime says `host: '::'` whatever it is told. Until the result is called, what listens on `::` listens where HOST says. */
export function overrideListenAddress(): () => void {
  const host = listenAddress();
  const { listen } = Server.prototype;
  if (host) {
    Server.prototype.listen = function listenElsewhere(this: Server, options: unknown, ...rest: unknown[]) {
      const everywhere = typeof options === 'object' && options !== null && 'host' in options && options.host === '::';
      return Reflect.apply(listen, this, [everywhere ? { ...options, host } : options, ...rest]);
    } as typeof listen;
  }
  return () => {
    Server.prototype.listen = listen;
  };
}
