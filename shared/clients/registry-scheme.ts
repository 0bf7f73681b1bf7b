/** Whether a registry on this machine or in a private network speaks TLS: nothing in its name says so. */
import { networkCode } from '#shared/network-code.ts';
import type { RegistryAddress } from './registry-address.ts';
import type { RegistryHttp } from './registry-http.ts';

type Scheme = 'http' | 'https';

/** The server speaks TLS, with a certificate that this process does not trust. */
const CERTIFICATE_CODE = /CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE/;

/** Asks each host once, without credentials. What may be a failure of the moment is not remembered. */
export function schemeFinder(http: RegistryHttp): (address: RegistryAddress) => Promise<Scheme> {
  const known = new Map<string, Scheme>();

  /** Undefined where this is not how the server is spoken to, or where it does not answer now. */
  async function ask(asked: Scheme, server: string): Promise<Scheme | undefined> {
    try {
      const { status, url } = await http.exchange({ method: 'GET', url: new URL(`${asked}://${server}/v2/`) });
      return status === 200 || status === 401 ? (url.protocol.slice(0, -1) as Scheme) : undefined;
    } catch (error) {
      return asked === 'https' && CERTIFICATE_CODE.test(networkCode(error)) ? 'https' : undefined;
    }
  }

  return async ({ scheme, server }) => {
    const sure = scheme ?? known.get(server) ?? (await ask('http', server)) ?? (await ask('https', server));
    if (sure) {
      known.set(server, sure);
    }
    return sure ?? 'http';
  };
}
