/** What deploy asks of a cluster, and what it says of the answers. */
import { describe, expect, test } from 'vitest';
import { clusterProblems } from '#deploy/cluster-problems.ts';
import { environmentOf, ROOT } from '#deploy/environment.ts';
import { leftoverProblems, neededAccesses, permissionProblems } from '#deploy/environment-problems.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { scripted } from './world.ts';

const deployment = (name: string, namespace: string, { availableReplicas = 1, labels = {} } = {}) => ({
  metadata: { name, namespace, labels },
  status: { availableReplicas },
});
const knative = (part: string, version: string) =>
  deployment('controller', `knative-${part}`, {
    labels: { 'app.kubernetes.io/name': `knative-${part}`, 'app.kubernetes.io/version': version },
  });
const RESOURCES = [
  'services.serving.knative.dev',
  'brokers.eventing.knative.dev',
  'rabbitmqbrokerconfigs.eventing.knative.dev',
  'queues.rabbitmq.com',
];
const DEPLOYMENTS = [
  knative('serving', '1.22.1'),
  knative('eventing', '1.22.1'),
  deployment('rabbitmq-broker-controller', 'knative-eventing'),
  deployment('messaging-topology-operator', 'rabbitmq-system'),
];
const GOOD = {
  'kubectl version': { serverVersion: { major: '1', minor: '34', gitVersion: 'v1.34.1' } },
  'kubectl config view': 'dev, https://cluster.example:6443',
  'kubectl api-resources': RESOURCES.join('\n'),
  'kubectl get deployments': { items: DEPLOYMENTS },
};

const problemsOf = async (answers: object, needs: object = {}) =>
  await clusterProblems(scripted({ ...GOOD, ...answers }), { deployer: 'func', usesRabbitmqCluster: false, ...needs });

describe('clusterProblems', () => {
  test('finds none, and says what it saw', async () => {
    expect(await problemsOf({})).toEqual({
      problems: [],
      notes: [
        'cluster dev, https://cluster.example:6443',
        'Kubernetes v1.34.1',
        'Knative Serving 1.22.1',
        'Knative Eventing 1.22.1',
      ],
      isReachable: true,
    });
  });

  test.each([
    { case: 'func is missing', answers: { func: { code: 127 } }, says: /func is not in PATH.*DEPLOYER=kubectl/ },
    {
      case: 'kubectl is missing',
      answers: { kubectl: { code: 127 }, 'kubectl version': { code: 127 } },
      says: /kubectl is not in PATH/,
    },
    {
      case: 'no cluster answers',
      answers: {
        'kubectl version': {
          code: 1,
          stdout: '{"clientVersion":{}}',
          stderr: 'E1 memcache\nThe connection was refused',
        },
      },
      says: /set KUBECONFIG.*The connection was refused/,
    },
    {
      case: 'Kubernetes is old',
      answers: { 'kubectl version': { serverVersion: { major: '1', minor: '28+', gitVersion: 'v1.28.3-eks' } } },
      says: /v1\.28\.3-eks: build pods need 1\.29/,
    },
    {
      case: 'Knative is old',
      answers: { 'kubectl get deployments': { items: [knative('serving', 'v1.14.0'), ...DEPLOYMENTS.slice(1)] } },
      says: /Knative Serving v1\.14\.0 is too old: 1\.15/,
    },
    {
      case: 'Serving is missing',
      answers: { 'kubectl api-resources': RESOURCES.slice(1).join('\n') },
      says: /lacks Knative Serving.*install/,
    },
    {
      case: 'the topology operator is missing',
      answers: { 'kubectl api-resources': RESOURCES.slice(0, 3).join('\n') },
      says: /messaging topology operator.*install/,
    },
    {
      case: 'the class has no controller',
      answers: { 'kubectl get deployments': { items: DEPLOYMENTS.slice(0, 2) } },
      says: /Broker class RabbitMQBroker is not there/,
    },
    {
      case: 'the controller does not run',
      answers: {
        'kubectl get deployments': {
          items: [
            ...DEPLOYMENTS.slice(0, 2),
            deployment('rabbitmq-broker-controller', 'elsewhere', { availableReplicas: 0 }),
          ],
        },
      },
      says: /does not run: see kubectl describe deployment rabbitmq-broker-controller -n elsewhere/,
    },
  ])('says what to do where $case', async ({ answers, says }) => {
    const { problems } = await problemsOf(answers);

    expect(problems.join('\n')).toMatch(says);
  });

  test('wants the cluster operator only where RabbitMQ is not given', async () => {
    const { problems } = await problemsOf({}, { usesRabbitmqCluster: true });

    expect(problems).toEqual([expect.stringMatching(/cluster operator.*RABBITMQ_URI/)]);
  });

  test('does without func where kubectl deploys', async () => {
    const { problems } = await problemsOf({ func: { code: 127 } }, { deployer: 'kubectl' });

    expect(problems).toEqual([]);
  });

  test('goes on where Deployments may not be listed or versions are not stated', async () => {
    const forbidden = await problemsOf({ 'kubectl get deployments': { code: 1, stderr: 'Forbidden' } });
    const unlabelled = await problemsOf({ 'kubectl get deployments': { items: DEPLOYMENTS.slice(2) } });

    expect(forbidden.problems).toEqual([]);
    expect(forbidden.notes.join()).toContain('not checked');
    expect(unlabelled.problems).toEqual([]);
    expect(unlabelled.notes.join()).toMatch(/Serving does not say its version.*1\.15/);
  });
});

const environment = environmentOf('dev', ROOT);
const objects: KubeObject[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: environment.namespace } },
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: environment.namespace } },
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b', namespace: environment.namespace } },
  {
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Broker',
    metadata: { name: 'default', namespace: environment.namespace },
    spec: { config: { name: 'rabbitmq' }, delivery: { retry: 5 } },
  },
];

describe('permissionProblems', () => {
  const accesses = neededAccesses(environment, objects);

  test('asks once for each verb, kind and place, Secrets among them', () => {
    const places = accesses.map(
      ({ namespace = '', group, resource, verb }) => `${namespace}/${group}/${resource} ${verb}`,
    );

    expect(places).toContain('//namespaces create');
    expect(places).toContain('knative-lambda-dev/eventing.knative.dev/brokers patch');
    expect(places).toContain('knative-lambda-dev-builds//secrets create');
    expect(new Set(places).size).toBe(places.length);
    expect(places).toHaveLength(3 * 5);
  });

  test('groups what is refused by place', async () => {
    const answers = accesses.map(
      ({ resource, verb }) => resource !== 'brokers' && !(resource === 'namespaces' && verb === 'create'),
    );

    const problems = await permissionProblems(scripted({ 'kubectl create': answers.join('\n') }), environment, objects);

    expect(problems).toEqual([
      expect.stringMatching(/^you may not, in the cluster: create namespaces\. Ask/),
      expect.stringMatching(
        /^you may not, in namespace knative-lambda-dev: get, create, patch brokers\.eventing\.knative\.dev\. Ask/,
      ),
    ]);
  });

  test('are none where all is allowed, and say where it could not be asked', async () => {
    const all = scripted({ 'kubectl create': accesses.map(() => 'true').join('\n') });
    const none = scripted({ 'kubectl create': { code: 1, stderr: 'Error: no\nmore' } });

    expect(await permissionProblems(all, environment, objects)).toEqual([]);
    expect(await permissionProblems(none, environment, objects)).toEqual([
      expect.stringMatching(/could not be asked: Error: no$/),
    ]);
  });
});

describe('leftoverProblems', () => {
  const live = (spec: object) => ({ items: [{ ...objects[3], spec }] });
  const find = async (answers: Record<string, object | string>) =>
    await leftoverProblems(scripted(answers), environment, objects);

  test('are none on an empty cluster, nor where all that we say is said there', async () => {
    const same = live({ config: { name: 'rabbitmq', namespace: 'defaulted' }, delivery: { retry: 5 } });

    expect(await find({})).toEqual([]);
    expect(await find({ 'kubectl get brokers': same })).toEqual([]);
  });

  test('names a Broker that would have to change', async () => {
    const [problem] = await find({
      'kubectl get brokers': live({ config: { name: 'rabbitmq' }, delivery: { retry: 3 } }),
    });

    expect(problem).toMatch(/^Broker default on the cluster differs.*make undeploy ENV=dev first/);
  });

  test('names a namespace on its way out', async () => {
    const ending = { metadata: { name: environment.namespace, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    const [problem] = await find({ 'kubectl get namespaces': { items: [ending] } });

    expect(problem).toMatch(/^namespace knative-lambda-dev is being deleted: wait/);
  });
});
