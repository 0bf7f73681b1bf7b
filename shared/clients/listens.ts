/** Whether a Service of our own listens: opens a TCP connection and closes it without sending anything. */
import type { LookupFunction } from 'node:net';
import { connect } from 'node:net';
import { SECOND } from '#shared/durations.ts';

export type Listens = (url: string) => Promise<boolean>;

export interface ListensOptions {
  /** Milliseconds. */
  within?: number;
  /** For tests: instead of DNS. */
  lookup?: LookupFunction;
}

/**
 * False where the address is not that of a Service of `NAMESPACE`. The address comes from an event, so anybody may have
 * written it, and must not make us connect anywhere else.
 *
 * False where the connection is refused or times out, and on a cluster also where the host's name is unknown. On a
 * laptop the Broker is on loopback and no name of the cluster can be resolved: there an unknown name counts as true.
 */
export function createListens(
  { BROKER_URL, NAMESPACE }: { BROKER_URL: string; NAMESPACE: string },
  { within = 3 * SECOND, lookup }: ListensOptions = {},
): Listens {
  const broker = new URL(BROKER_URL).hostname;
  const resolvesNames = broker !== '127.0.0.1';
  const domain = /^[^.]+\.[^.]+\.svc\.(.+)$/.exec(broker)?.[1] ?? 'cluster.local';
  const suffixes = [`.${NAMESPACE}.svc`, `.${NAMESPACE}.svc.${domain}`];
  return (url) => {
    const { protocol, hostname: host, port } = URL.canParse(url) ? new URL(url) : new URL('none:');
    const names = suffixes.map((suffix) => (host.endsWith(suffix) ? host.slice(0, -suffix.length) : ''));
    if (!/^https?:$/.test(protocol) || !names.some((name) => /^[a-z0-9-]+$/.test(name))) {
      return Promise.resolve(false);
    }
    return new Promise((resolve) => {
      const address = { host, port: Number(port) || (protocol === 'https:' ? 443 : 80), timeout: within };
      const socket = connect({ ...address, ...(lookup ? { lookup } : {}) });
      const end = (listens: boolean) => {
        socket.destroy();
        resolve(listens);
      };
      socket.once('connect', () => end(true));
      socket.once('timeout', () => end(false));
      socket.once('error', ({ code }: NodeJS.ErrnoException) =>
        end(!resolvesNames && (code === 'ENOTFOUND' || code === 'EAI_AGAIN')),
      );
    });
  };
}
