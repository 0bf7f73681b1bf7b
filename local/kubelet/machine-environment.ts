/**
 * What of the platform's own environment a container sees: how to reach the network and where caches are, never a
 * credential of ours.
 */

import { machineVariables } from './base-kinds.ts';

/** Proxies and the certificates that go with them; then what package managers and compilers are told. */
const NAMES = [
  ...`PATH HOME TMPDIR LANG LC_ALL TZ
  HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy no_proxy all_proxy
  SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE CURL_CA_BUNDLE`.split(/\s+/),
  ...machineVariables,
];

export function machineEnvironment(from: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of NAMES) {
    const value = from[name];
    if (value !== undefined) {
      environment[name] = value;
    }
  }
  return environment;
}
