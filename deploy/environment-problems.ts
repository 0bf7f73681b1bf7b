/**
 * What on a cluster prevents the deployment of an environment: missing permissions, and objects that cannot be changed.
 */
import { PRINCIPALS, PRINCIPALS_KEY, parsePrincipals } from '#shared/clients/principals.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { resourceOfKind } from '#shared/kubernetes/resource.ts';
import { sameValue } from '#shared/kubernetes/same-value.ts';
import type { Environment } from './environment.ts';
import type { Run } from './run.ts';

interface Access {
  namespace?: string;
  group: string;
  resource: string;
  verb: string;
}

/** Server-side apply is a patch, and needs create for what does not exist yet. */
const VERBS = ['get', 'create', 'patch'];

/** `objects`: everything that will be applied. */
export async function permissionProblems(run: Run, environment: Environment, objects: KubeObject[]): Promise<string[]> {
  const accesses = neededAccesses(environment, objects);
  const reviews = accesses.map((resourceAttributes) => ({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  }));
  // One kubectl for all of them; it prints one line each.
  const { code, stdout, stderr } = await run(
    'kubectl',
    ['create', '-f', '-', '-o', 'jsonpath={.status.allowed}{"\\n"}', '--validate=false'],
    { input: reviews.map((review) => JSON.stringify(review)).join('\n') },
  );
  const allowed = stdout.split('\n').slice(0, accesses.length);
  if (code !== 0 || allowed.length < accesses.length) {
    return [`whether you may create what is needed could not be asked: ${stderr.trim().split('\n')[0]}`];
  }
  const refused = accesses.filter((_, index) => allowed[index] !== 'true');
  const byPlace = Map.groupBy(refused, ({ namespace }) => namespace ?? '');
  return [...byPlace].map(([namespace, list]) => {
    const byResource = Map.groupBy(list, ({ group, resource }) => (group ? `${resource}.${group}` : resource));
    const what = [...byResource].map(([resource, each]) => `${each.map(({ verb }) => verb).join(', ')} ${resource}`);
    const where = namespace ? `in namespace ${namespace}` : 'in the cluster';
    return `you may not, ${where}: ${what.join('; ')}. Ask whoever administers the cluster, or use another KUBECONFIG`;
  });
}

export function neededAccesses({ namespace, buildsNamespace }: Environment, objects: KubeObject[]): Access[] {
  const kinds = new Map<string, Access>();
  const secrets = [namespace, buildsNamespace].map((place) => ({ namespace: place, group: '', resource: 'secrets' }));
  const applied = objects.map((object) => {
    const resource = resourceOfKind(object.apiVersion, object.kind);
    const place = object.metadata.namespace;
    return {
      ...(place ? { namespace: place } : {}),
      group: resource?.group ?? '',
      resource: resource?.plural ?? `${object.kind.toLowerCase()}s`,
    };
  });
  for (const access of [...applied, ...secrets]) {
    for (const verb of VERBS) {
      kinds.set(JSON.stringify([access.namespace, access.group, access.resource, verb]), { ...access, verb });
    }
  }
  return [...kinds.values()];
}

/** A namespace that is being deleted takes nothing new. A Broker of this class and its configuration are immutable. */
export async function leftoverProblems(
  run: Run,
  { name, ...places }: Environment,
  objects: KubeObject[],
): Promise<string[]> {
  const { namespace, buildsNamespace } = places;
  const namespaces = await items(run, ['get', 'namespaces', namespace, buildsNamespace, '--ignore-not-found']);
  const ending = namespaces.filter(({ metadata }) => metadata.deletionTimestamp);
  const problems = ending.map(
    ({ metadata }) =>
      `namespace ${metadata.name} is being deleted: wait, or let make undeploy ENV=${name} wait for you`,
  );
  const live = await items(run, ['get', 'brokers.eventing,rabbitmqbrokerconfigs.eventing', '-n', namespace]);
  const changed = live.filter((is) =>
    objects.some(
      (shall) =>
        shall.kind === is.kind &&
        shall.metadata.name === is.metadata.name &&
        Object.entries(shall['spec']).some(([key, value]) => !saysSame(is['spec']?.[key], value)),
    ),
  );
  return [
    ...problems,
    ...changed.map(
      ({ kind, metadata }) =>
        `${kind} ${metadata.name} on the cluster differs, and neither the Broker nor how it reaches RabbitMQ can be changed: make undeploy ENV=${name} first (events that wait in its queues are lost), or take the change back`,
    ),
  ];
}

/** Keys of a map that `shall` does not have were filled in by defaults. */
function saysSame(is: unknown, shall: unknown): boolean {
  if (typeof shall !== 'object' || shall === null || Array.isArray(shall)) {
    return sameValue(is, shall);
  }
  const has = (is ?? {}) as Record<string, unknown>;
  return Object.entries(shall).every(([key, value]) => saysSame(has[key], value));
}

/** Empty where they may not be read, or where the cluster does not know the kind: other checks report that. */
async function items(run: Run, args: string[]): Promise<KubeObject[]> {
  const { code, stdout } = await run('kubectl', [...args, '-o', 'json']);
  if (code !== 0 || stdout.trim() === '') {
    return [];
  }
  const answer = JSON.parse(stdout);
  return answer.items ?? [answer];
}

/** Where events are signed for tenants, no request may name the sources of another tenant. */
export async function tenantProblems(
  run: Run,
  { namespace }: Environment,
  { AUTHENTICATION, SOURCE_PREFIX = '' }: Record<string, string>,
): Promise<string[]> {
  if (AUTHENTICATION !== 'required' || SOURCE_PREFIX.includes('{third_party_id}')) {
    return [];
  }
  const [config] = await items(run, ['get', 'configmap', PRINCIPALS, '-n', namespace, '--ignore-not-found']);
  const parsed = parsePrincipals(config?.['data']?.[PRINCIPALS_KEY] ?? '');
  const mend =
    'set SOURCE_PREFIX to a path with {third_party_id} in it, or give every principal its source_prefixes (docs/tenants.md)';
  if ('problems' in parsed) {
    const [first] = parsed.problems;
    return [`ConfigMap ${PRINCIPALS} is wrong: ${first?.path} ${first?.message}`];
  }
  const tenants = parsed.principals.principals.filter(({ operator }) => !operator);
  const unbound = tenants.filter(({ source_prefixes }) => source_prefixes === undefined);
  if (tenants.length > 0 && unbound.length === 0) {
    return [];
  }
  const who = tenants.length === 0 ? 'any tenant' : unbound.map(({ name }) => name).join(', ');
  return [
    `AUTHENTICATION is required, but SOURCE_PREFIX is ${SOURCE_PREFIX}, so that ${who} could build the sources of others: ${mend}`,
  ];
}
