/** What the gateway reads of Kubernetes: one ConfigMap, and who signs the tokens of ServiceAccounts. */
import { CoreV1Api, OpenidApi, WellKnownApi } from '@kubernetes/client-node';
import * as z from 'zod';
import { connectKubernetes } from './kubernetes-connection.ts';
import { answered, found } from './kubernetes-requests.ts';
import { PRINCIPALS, PRINCIPALS_KEY } from './principals.ts';

export interface IdentitySource {
  /** Undefined where there is no such ConfigMap, or nothing in it. */
  principals(): Promise<string | undefined>;
  issuer(): Promise<string>;
  keys(): Promise<{ keys: { kty: string }[] }>;
}

const keySetSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });

export function createIdentitySource({ NAMESPACE: namespace }: { NAMESPACE: string }): IdentitySource {
  const { configuration } = connectKubernetes();
  const core = new CoreV1Api(configuration);
  const wellKnown = new WellKnownApi(configuration);
  const openid = new OpenidApi(configuration);
  return {
    principals: async () => {
      const reading = `reading ConfigMap ${PRINCIPALS}`;
      const config = await found(reading, () => core.readNamespacedConfigMap({ name: PRINCIPALS, namespace }));
      return config?.data?.[PRINCIPALS_KEY];
    },
    issuer: async () => {
      const text = await answered("reading the cluster's OpenID configuration", () =>
        wellKnown.getServiceAccountIssuerOpenIDConfiguration(),
      );
      return z.object({ issuer: z.string() }).parse(asObject(text)).issuer;
    },
    keys: async () => {
      const text = await answered("reading the cluster's keys", () => openid.getServiceAccountIssuerOpenIDKeyset());
      return keySetSchema.parse(asObject(text));
    },
  };
}

/** The client gives text or what it parsed, by the content type. */
function asObject(given: unknown): unknown {
  return typeof given === 'string' ? JSON.parse(given) : given;
}
