/** Makes the runtime listen on one address only. A pod must listen on every interface, but a laptop has neighbours. */
import { Server } from 'node:net';

/**
 * The runtime always passes `host: '::'`. Until the result is called, a server that asks for `::` listens on `host`
 * instead.
 */
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

/** On a laptop, where web pages could reach the function. In a cluster it listens on every interface. */
export function isLoopback(host: string | undefined): boolean {
  return host !== undefined && /^(127\.|::1$|localhost$)/.test(host);
}
