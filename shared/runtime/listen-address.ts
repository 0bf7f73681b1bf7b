/** Makes the runtime listen elsewhere than on every interface, as a pod must: a laptop has neighbours. */
import { Server } from 'node:net';

/** The runtime passes `host: '::'` whatever it is told. Until the result is called, what listens on `::` listens on `host`. */
export function overrideListenAddress(host: string | undefined): () => void {
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
