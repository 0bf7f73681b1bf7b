/** Two tenants and an operator at the gateway of a cluster, for one run of the suite. */
import { ApiException, type CoreV1Api } from '@kubernetes/client-node';
import { parse, stringify } from 'yaml';
import { PRINCIPALS, PRINCIPALS_KEY } from '#shared/clients/principals.ts';
import { principals } from '#test/attacks/platform.ts';
import type { PlatformUnderTest } from '#test/contract/platform.ts';

const NAMES = ['acme', 'mallory', 'operator'] as const;

export interface Tokens {
  tokens: NonNullable<PlatformUnderTest['tokens']>;
  /** Leaves those of others in the list. */
  remove(): Promise<void>;
}

export async function createPrincipals(core: CoreV1Api, namespace: string, run: string): Promise<Tokens> {
  const accountOf = (name: string) => `suite-${name}-${run}`;
  for (const name of NAMES) {
    const body = { metadata: { name: accountOf(name) }, automountServiceAccountToken: false };
    await core.createNamespacedServiceAccount({ namespace, body });
  }
  const spec = { audiences: ['knative-lambda'], expirationSeconds: 7200 };
  const given = await Promise.all(
    NAMES.map(async (name) => {
      const body = { spec } as never;
      const { status } = await core.createNamespacedServiceAccountToken({ name: accountOf(name), namespace, body });
      return status?.token ?? '';
    }),
  );
  const ours = parse(principals((name) => `{ service_account: '${namespace}/${accountOf(name)}' }`)).principals;
  // Of its own name: other runs have theirs at the same time.
  const named = ours.map((principal: { name: string }) => ({ ...principal, name: `${principal.name}-${run}` }));
  await change(core, namespace, (others) => [...others, ...named]);
  const [acme = '', mallory = '', operator = ''] = given;
  return {
    tokens: { acme, mallory, operator },
    remove: async () => {
      await forgetPrincipals(core, namespace, run);
      for (const name of NAMES) {
        // Perhaps it went with all else that names the run.
        await core.deleteNamespacedServiceAccount({ name: accountOf(name), namespace }).catch(() => undefined);
      }
    },
  };
}

/** Leaves the list as it is where nothing of the run is in it. */
export async function forgetPrincipals(core: CoreV1Api, namespace: string, run: string): Promise<void> {
  await change(core, namespace, (all) => all.filter((principal) => !JSON.stringify(principal).includes(run)));
}

/** Starts over where another run has changed the list meanwhile. */
async function change(core: CoreV1Api, namespace: string, changed: (all: object[]) => object[]): Promise<void> {
  const { metadata = {}, data = {} } = await core.readNamespacedConfigMap({ name: PRINCIPALS, namespace });
  const known = parse(data[PRINCIPALS_KEY] ?? '') ?? {};
  const before: object[] = known.principals ?? [];
  const after = changed(before);
  if (after.length === before.length) {
    return;
  }
  const body = { metadata, data: { ...data, [PRINCIPALS_KEY]: stringify({ ...known, principals: after }) } };
  try {
    await core.replaceNamespacedConfigMap({ name: PRINCIPALS, namespace, body });
  } catch (error) {
    if (!(error instanceof ApiException && error.code === 409)) {
      throw error;
    }
    await change(core, namespace, changed);
  }
}
