/**
 * The platform of a laptop where every event must be signed, and an issuer of tokens for two tenants and an operator.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { TestProject } from 'vitest/node';
import { openLaptop } from '#test/contract/platform.ts';

/** That of eventing/overlays/local/functions/keys.yaml. */
const EVENT_KEY = 'local:bG9jYWwgcGxhdGZvcm0sIG5vIHNlY3JldCBhdCBhbGwhIQ==';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { platform, close } = await openLaptop({
    AUTHENTICATION: 'required',
    SOURCE_PREFIX: 'global/parser/{third_party_id}/{parser_id}/',
  });
  const issuer = await startIssuer();
  const config = new KubeConfig();
  config.loadFromString(platform.kubeconfig);
  const objects = KubernetesObjectApi.makeApiClient(config);
  await objects.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'knative-lambda-principals', namespace: platform.namespace },
    data: {
      'principals.yaml': principals((name) => `{ issuer: '${issuer.url}', claims: { sub: ${name} } }`, issuer.url),
    },
  } as never);
  const [acme, mallory, operator] = await Promise.all(['acme', 'mallory', 'operator'].map(issuer.token));
  project.provide('platform', {
    ...platform,
    eventKey: EVENT_KEY,
    tokens: { acme: acme ?? '', mallory: mallory ?? '', operator: operator ?? '' },
  });
  return async () => {
    await issuer.close();
    await close();
  };
}

/** `token`: what stands for the token of one of the three. */
export function principals(token: (name: string) => string, issuer?: string): string {
  return `
${issuer ? `issuers: [{ issuer: '${issuer}' }]` : ''}
principals:
  - { name: acme, tokens: [${token('acme')}], third_party_ids: [acme], events_per_minute: 100000 }
  - { name: mallory, tokens: [${token('mallory')}], third_party_ids: [mallory], events_per_minute: 100000 }
  - { name: operator, tokens: [${token('operator')}], operator: true, events_per_minute: 100000 }
`;
}

async function startIssuer() {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }];
  const server = createServer((request, answer) => {
    answer.setHeader('content-type', 'application/json');
    const isDiscovery = request.url === '/.well-known/openid-configuration';
    answer.end(JSON.stringify(isDiscovery ? { issuer: url, jwks_uri: `${url}/keys` } : { keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    token: async (sub: string) =>
      await new SignJWT({ sub })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
        .setIssuer(url)
        .setAudience('knative-lambda')
        .setExpirationTime('2h')
        .sign(privateKey),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
