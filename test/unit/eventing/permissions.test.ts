/** Each function's Role allows what its dependencies.ts names, and nothing else. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Cluster } from '#shared/clients/cluster.ts';
import { readDocuments } from '#shared/manifests/read-documents.ts';

const root = new URL('../../../', import.meta.url).pathname;
const functions = readdirSync(join(root, 'functions'));

/** What each method asks of the API. */
const PERMISSIONS: Record<keyof Cluster, string[]> = {
  getJob: ['get jobs'],
  listJobs: ['list jobs'],
  listJobMetadata: ['list jobs'],
  createJob: ['create jobs'],
  patchJob: ['patch jobs'],
  deleteJob: ['delete jobs'],
  listPods: ['list pods'],
  listFunctionPods: ['list pods'],
  getPod: ['get pods'],
  readLog: ['get pods/log'],
  getLease: ['get leases'],
  replaceLease: ['update leases'],
  getSecretKeys: ['get secrets'],
  listSecretMetadata: ['list secrets'],
  getService: ['get services'],
  listServices: ['list services'],
  listRevisions: ['list revisions'],
  applyService: ['patch services', 'create services'],
  patchService: ['patch services'],
  deleteService: ['delete services'],
  getTrigger: ['get triggers'],
  listTriggers: ['list triggers'],
  applyTrigger: ['patch triggers', 'create triggers'],
  patchTrigger: ['patch triggers'],
  deleteTrigger: ['delete triggers'],
};

/** What is asked of the API by another client than Cluster. */
const OTHERS: Record<string, string[]> = {
  gateway: [
    'get configmaps',
    'get leases',
    'get pods/log',
    'list apiserversources',
    'list brokers',
    'list networkpolicies',
    'list pingsources',
    'list resourcequotas',
  ],
};

/** By the source text, since types do not exist at run time. */
function needed(name: string): string[] {
  const file = join(root, 'functions', name, 'dependencies.ts');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const [, methods = ''] = /\n {2}cluster: Pick<\s*Cluster,([^>]*)>;/.exec(text) ?? [];
  expect(text.includes('  cluster:'), `${file} names the methods that it needs`).toBe(methods !== '');
  const names = [...methods.matchAll(/'(\w+)'/g)].map(([, method]) => method as keyof Cluster);
  return [...new Set([...names.flatMap((method) => PERMISSIONS[method]), ...(OTHERS[name] ?? [])])].sort();
}

function allowed(name: string): string[] {
  const roles = ['builds', 'functions']
    .flatMap((folder) => readDocuments(join(root, 'eventing/base', folder, 'roles.yaml')))
    .filter(({ kind, metadata }) => kind === 'Role' && metadata.name === name);
  const rules: { resources: string[]; verbs: string[] }[] = roles.flatMap((role) => role['rules']);
  const each = rules.flatMap(({ resources, verbs }) =>
    resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
  );
  // Some are needed in both namespaces.
  return [...new Set(each)].sort();
}

test.each(functions)('%s', (name) => {
  expect(allowed(name)).toEqual(needed(name));
});

test('the Roles are found', () => {
  expect(functions.filter((name) => allowed(name).length > 0)).toEqual([
    'build-complete',
    'cluster-events',
    'gateway',
    'job-start',
    'parser-events',
    'service-delete',
    'sweep',
  ]);
});
