/**
 * What the Roles grant is what was used: a right that nobody used during `make e2e`, and one that somebody lacked, both
 * fail. Runs after all other tests, which are the use.
 */
import {
  AuthorizationV1Api,
  CoreV1Api,
  KubeConfig,
  RbacAuthorizationV1Api,
  type RbacV1Subject,
} from '@kubernetes/client-node';
import { beforeAll, describe, expect, test } from 'vitest';
import { waitUntil } from '#test/contract/wait-until.ts';
import { type Right, resourceName, told, usesSince } from './permissions-audit.ts';

const namespace = `knative-lambda-${process.env['ENV'] ?? 'dev'}`;
const namespaces = [namespace, `${namespace}-builds`];
const auditLog = process.env['AUDIT_LOG'];
const started = process.env['E2E_STARTED'];

const kubeconfig = new KubeConfig();
kubeconfig.loadFromDefault();
const core = kubeconfig.makeApiClient(CoreV1Api);
const rbac = kubeconfig.makeApiClient(RbacAuthorizationV1Api);
const authorization = kubeconfig.makeApiClient(AuthorizationV1Api);

/** Granted, and needed, though no request shows it. */
const NOT_TO_BE_SEEN: Record<string, string> = Object.fromEntries(
  [
    ['services.serving.knative.dev', namespace],
    ['jobs.batch', `${namespace}-builds`],
  ].flatMap(([resource, place]) =>
    ['get', 'list'].map((verb) => [
      `${namespace}/cluster-watcher: ${verb} ${resource} in ${place}`,
      "the ApiServerSource's controller asks by SubjectAccessReview for get, list and watch before it starts an adapter, which then only watches",
    ]),
  ),
);

const isOurs = (subject: RbacV1Subject) =>
  subject.kind === 'ServiceAccount'
    ? namespaces.includes(subject.namespace ?? '')
    : subject.kind === 'Group' && namespaces.some((name) => subject.name === `system:serviceaccounts:${name}`);

async function granted(): Promise<Right[]> {
  const rights: Right[] = [];
  for (const place of namespaces) {
    const { items: roles } = await rbac.listNamespacedRole({ namespace: place });
    const { items: bindings } = await rbac.listNamespacedRoleBinding({ namespace: place });
    for (const { roleRef, subjects = [] } of bindings) {
      const rules = roles.find(({ metadata }) => metadata?.name === roleRef.name)?.rules ?? [];
      for (const subject of subjects.filter(isOurs)) {
        const account = `${subject.namespace}/${subject.name}`;
        for (const { apiGroups = [], resources = [], verbs } of rules) {
          const names = apiGroups.flatMap((group) =>
            resources.map((resource) => {
              const [plural = '', subresource] = resource.split('/');
              return resourceName(plural, group, subresource);
            }),
          );
          rights.push(
            ...names.flatMap((resource) => verbs.map((verb) => ({ account, verb, resource, namespace: place }))),
          );
        }
      }
    }
  }
  return rights;
}

test('no right is granted but by a Role of its own namespace, by name', async () => {
  const { items: clusterWide } = await rbac.listClusterRoleBinding();
  const rights = await granted();
  const bindings = (await Promise.all(namespaces.map((name) => rbac.listNamespacedRoleBinding({ namespace: name }))))
    .flatMap(({ items }) => items)
    .filter(({ subjects = [] }) => subjects.some(isOurs));

  expect(clusterWide.filter(({ subjects = [] }) => subjects.some(isOurs)).map((one) => one.metadata?.name)).toEqual([]);
  expect(bindings.filter(({ roleRef }) => roleRef.kind !== 'Role').map((one) => one.metadata?.name)).toEqual([]);
  expect(rights.filter((right) => told(right).includes('*')).map(told)).toEqual([]);
  expect(rights.length).toBeGreaterThan(10);
});

/**
 * What docs/security.md weighs: build-complete looks at the keys and labels of the Secrets that a function refers to,
 * and sweep at the labels and versions of those that are for functions.
 */
const READS_SECRETS = { 'build-complete': 'get', sweep: 'list' };

test('no account of ours may read a Secret but these two where functions live, become somebody else, or run commands in a pod', async () => {
  const asked = [
    { resource: 'secrets', verb: 'get' },
    { resource: 'secrets', verb: 'list' },
    { resource: 'secrets', verb: 'watch' },
    { resource: 'serviceaccounts', subresource: 'token', verb: 'create' },
    { resource: 'serviceaccounts', verb: 'impersonate' },
    { resource: 'pods', subresource: 'exec', verb: 'create' },
    { resource: 'pods', subresource: 'ephemeralcontainers', verb: 'patch' },
    { resource: 'roles', group: 'rbac.authorization.k8s.io', verb: 'escalate' },
    { resource: 'rolebindings', group: 'rbac.authorization.k8s.io', verb: 'create' },
  ];
  const allowed: string[] = [];
  for (const home of namespaces) {
    const { items } = await core.listNamespacedServiceAccount({ namespace: home });
    const accounts = items.map(({ metadata }) => `system:serviceaccount:${home}:${metadata?.name}`);
    const questions = accounts.flatMap((user) =>
      namespaces.flatMap((place) => asked.map((what) => ({ user, resourceAttributes: { ...what, namespace: place } }))),
    );
    for (const spec of questions) {
      const { status } = await authorization.createSubjectAccessReview({ body: { spec } });
      if (status?.allowed) {
        allowed.push(`${spec.user} ${JSON.stringify(spec.resourceAttributes)}`);
      }
    }
  }

  const known = Object.entries(READS_SECRETS).map(
    ([name, verb]) =>
      `system:serviceaccount:${namespace}:${name} ${JSON.stringify({ resource: 'secrets', verb, namespace })}`,
  );
  expect(allowed.sort()).toEqual(known.sort());
});

describe('what was granted and what was used during this run', () => {
  let rights: Right[];
  beforeAll(async () => {
    rights = await granted();
    if (auditLog) {
      await restartAdapters();
    }
  });

  test('are the same', async ({ skip }) => {
    if (!auditLog) {
      skip(
        'AUDIT_LOG is not set: it names the audit log of the API server (JSON lines, level Metadata; kube-apiserver --audit-log-path and --audit-policy-file), which has to be readable from here',
      );
      return;
    }
    if (!started || Number.isNaN(Date.parse(started))) {
      throw new Error(
        'E2E_STARTED is not set: it is the time (RFC 3339) at which the suite began, as `make e2e` sets it. Only what was asked since then counts',
      );
    }
    const uses = await usesSince(auditLog, new Date(started), namespaces);
    const used = new Set(uses.filter(({ missing }) => !missing).map(told));
    const known = new Set(rights.map(told));

    const unused = [...known].filter((right) => !used.has(right) && !(right in NOT_TO_BE_SEEN));
    const missing = uses.filter((use) => use.missing).map(told);
    const stale = Object.keys(NOT_TO_BE_SEEN).filter((right) => !known.has(right));

    expect(used.size, `${auditLog} has nothing of these accounts since ${started}`).toBeGreaterThan(0);
    expect({ missing, unused, stale }).toEqual({ missing: [], unused: [], stale: [] });
  });
});

/**
 * They started before the run did, and their watches may last longer than it. Nothing else runs now that could miss an
 * event.
 */
async function restartAdapters(): Promise<void> {
  const selector = { namespace, labelSelector: 'eventing.knative.dev/source=apiserver-source-controller' };
  const { items: before } = await core.listNamespacedPod(selector);
  for (const { metadata } of before) {
    await core.deleteNamespacedPod({ name: metadata?.name ?? '', namespace });
  }
  await waitUntil(
    "the ApiServerSources' adapters to be there again",
    async () => {
      const { items } = await core.listNamespacedPod(selector);
      const isNew = (uid = '') => !before.some(({ metadata }) => metadata?.uid === uid);
      const ready = items.filter(
        ({ metadata, status }) =>
          isNew(metadata?.uid) && status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
      );
      return ready.length >= before.length;
    },
    { seconds: 120, every: 1000 },
  );
  // From Ready to the first watch.
  await new Promise((resolve) => setTimeout(resolve, 5000));
}
