/**
 * The Secrets that a function refers to: before it is deployed each must be there, have the key, and be labelled for
 * the function's tenant. This is the one place that decides, at every deployment anew.
 */
import type { Cluster } from '#shared/clients/cluster.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { Reason } from '#shared/events/reasons.ts';
import type { SecretReference } from '#shared/events/secrets.ts';
import type { Build } from '#shared/specs/annotations.ts';
import { SECRET_FOR, TENANT_LABEL } from '#shared/specs/labels.ts';
import { labelValue } from '#shared/specs/names.ts';
import { isSecretOf, secretNames, secretsVersion } from '#shared/specs/secrets.ts';

/** Named in one message. */
const MOST_PROBLEMS = 5;

type Found = Awaited<ReturnType<Cluster['getSecretKeys']>>;

/**
 * What secretsVersion() says of them; undefined where the function refers to none. Throws
 * PermanentError('SecretNotFound' | 'SecretForbidden').
 */
export async function checkSecrets(
  build: Build,
  { cluster, settings }: { cluster: Pick<Cluster, 'getSecretKeys'>; settings: { namespace: string } },
): Promise<string | undefined> {
  const references = build.parameters.secrets ?? [];
  const secrets = await Promise.all(
    secretNames(references).map(async (name) => [name, await cluster.getSecretKeys(name)] as const),
  );
  const byName = new Map(secrets);
  const problems = references.flatMap((reference) => {
    const problem = problemOf(reference, byName.get(reference.name), build.third_party_id, settings.namespace);
    return problem ? [problem] : [];
  });
  const [first] = problems;
  if (first) {
    // Two references to one Secret may have the same problem.
    const messages = [...new Set(problems.map(({ message }) => message))];
    const more = messages.length > MOST_PROBLEMS ? `; and ${messages.length - MOST_PROBLEMS} more` : '';
    throw new PermanentError(
      first.reason,
      `${messages.slice(0, MOST_PROBLEMS).join('; ')}${more}. Then send build.start again`,
    );
  }
  return secretsVersion(build, new Map(secrets.flatMap(([name, secret]) => (secret ? [[name, secret] as const] : []))));
}

/** Of a Secret that is not the tenant's nothing is told but that. */
function problemOf(
  { name, key }: SecretReference,
  secret: Found,
  tenant: string,
  namespace: string,
): { reason: Reason; message: string } | undefined {
  const where = `${name} -n ${namespace}`;
  if (!secret) {
    return {
      reason: 'SecretNotFound',
      message: `there is no Secret ${name} with a key ${key}: \`${making(where, key)}\` makes it, \`${labelling(where, tenant)}\` gives it to the tenant`,
    };
  }
  if (!isSecretOf(tenant, secret)) {
    return {
      reason: 'SecretForbidden',
      message: `Secret ${name} (key ${key}) is not labelled for tenant ${tenant}: if it is meant for that tenant's functions, \`${labelling(where, tenant)}\` says so`,
    };
  }
  return secret.keys.includes(key)
    ? undefined
    : {
        reason: 'SecretNotFound',
        message: `Secret ${name} has no key ${key}: \`kubectl patch secret ${where} -p '{"stringData":{"${key}":"VALUE"}}'\` adds it`,
      };
}

/** On the embedded platform too. Without --server-side the value would be kept in an annotation as well. */
function making(where: string, key: string): string {
  const create = `kubectl create secret generic ${where} --from-file=${key}=FILE --dry-run=client -o yaml`;
  return `${create} | kubectl apply --server-side -f -`;
}

function labelling(where: string, tenant: string): string {
  const value = labelValue(tenant);
  const label = `kubectl label secret ${where} ${SECRET_FOR}=functions ${TENANT_LABEL}=${value}`;
  return value === tenant ? label : `${label} && kubectl annotate secret ${where} ${TENANT_LABEL}=${tenant}`;
}
