/** Until when the certificates of servers hold, as they show them to anybody. */
import { connect } from 'node:tls';
import { SECOND } from '#shared/durations.ts';

export interface CertificateFact {
  /** Host and port. */
  where: string;
  until: Date;
}

const WITHIN = 2 * SECOND;

/** Addresses that are no https, and servers that do not answer, are left out. */
export async function lookAtCertificates(addresses: readonly string[]): Promise<CertificateFact[]> {
  const secure = [...new Set(addresses.filter((address) => address.startsWith('https://')))];
  return (await Promise.all(secure.map(ofServer))).flat();
}

function ofServer(address: string): Promise<CertificateFact[]> {
  const { hostname, port, host } = new URL(address);
  const { promise, resolve } = Promise.withResolvers<CertificateFact[]>();
  // One that has ended is to be seen, too. Nothing is sent.
  const socket = connect({
    host: hostname,
    port: Number(port || 443),
    servername: hostname,
    rejectUnauthorized: false,
  });
  const end = (found: CertificateFact[]) => {
    socket.destroy();
    resolve(found);
  };
  socket.setTimeout(WITHIN, () => end([]));
  socket.once('error', () => end([]));
  socket.once('secureConnect', () => {
    const until = new Date(socket.getPeerCertificate().valid_to);
    end(Number.isNaN(until.getTime()) ? [] : [{ where: host, until }]);
  });
  return promise;
}
