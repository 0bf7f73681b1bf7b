/** Two tenants and an operator at the gateway of a cluster, for one run of the suite. */
import type { CoreV1Api } from '@kubernetes/client-node';
import { parse, stringify } from 'yaml';
import { PRINCIPALS, PRINCIPALS_KEY } from '#shared/clients/principals.ts';
import { principals } from '#test/attacks/platform.ts';
import type { PlatformUnderTest } from '#test/contract/platform.ts';

const NAMES = ['acme', 'mallory', 'operator'] as const;

export interface Tokens {
  tokens: NonNullable<PlatformUnderTest['tokens']>;
  /** Leaves the list of principals as it was. */
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
  const config = await core.readNamespacedConfigMap({ name: PRINCIPALS, namespace });
  const before = config.data ?? {};
  const known = parse(before[PRINCIPALS_KEY] ?? '') ?? {};
  const ours = parse(principals((name) => `{ service_account: '${namespace}/${accountOf(name)}' }`)).principals;
  // Those of the same names are of a run that was killed.
  const others = (known.principals ?? []).filter(({ name }: { name: string }) => !NAMES.some((own) => own === name));
  const text = stringify({ ...known, principals: [...others, ...ours] });
  await write(core, namespace, { ...before, [PRINCIPALS_KEY]: text });
  const [acme = '', mallory = '', operator = ''] = given;
  return {
    tokens: { acme, mallory, operator },
    remove: async () => {
      await write(core, namespace, before);
      for (const name of NAMES) {
        // Perhaps it went with all else that names the run.
        await core.deleteNamespacedServiceAccount({ name: accountOf(name), namespace }).catch(() => undefined);
      }
    },
  };
}

/** Those of a run that was killed. */
export async function forgetPrincipals(core: CoreV1Api, namespace: string, run: string): Promise<void> {
  const { data = {} } = await core.readNamespacedConfigMap({ name: PRINCIPALS, namespace });
  const text = data[PRINCIPALS_KEY] ?? '';
  if (text.includes(run)) {
    const known = parse(text);
    const others = known.principals.filter((principal: object) => !JSON.stringify(principal).includes(run));
    await write(core, namespace, { ...data, [PRINCIPALS_KEY]: stringify({ ...known, principals: others }) });
  }
}

async function write(core: CoreV1Api, namespace: string, data: Record<string, string>): Promise<void> {
  const { metadata } = await core.readNamespacedConfigMap({ name: PRINCIPALS, namespace });
  await core.replaceNamespacedConfigMap({ name: PRINCIPALS, namespace, body: { metadata: metadata ?? {}, data } });
}
