/** Applying: whose changes are taken over, what goes by standard input; waiting; and the order of deleting. */
import type { V1ContainerStatus, V1Pod, V1PodStatus } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import { applyFolder, applySecrets } from '#deploy/apply.ts';
import { environmentOf, ROOT } from '#deploy/environment.ts';
import { podTroubles } from '#deploy/pod-troubles.ts';
import { finalizersWithout, stepsOf, stillThere } from '#deploy/undeploy-steps.ts';
import { notReady, waitUntilReady } from '#deploy/wait-until-ready.ts';
import { parsePrincipals } from '#shared/clients/principals.ts';
import { parseSigningKey } from '#shared/events/signature.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { scripted } from './world.ts';

const environment = environmentOf('dev', ROOT);

describe('applyFolder', () => {
  const conflict = (manager: string) => ({
    code: 1,
    stderr: `error: Apply failed with 1 conflict: conflict with "${manager}" using serving.knative.dev/v1: .spec.template\nPlease review the fields above`,
  });

  test.each(['func', 'kubectl', 'kubectl-client-side-apply'])('takes over what %s wrote', async (manager) => {
    const run = scripted({
      'kubectl apply': conflict(manager),
      'kubectl apply --server-side --field-manager=knative-lambda-deploy -k f --force-conflicts': 'a\nb\n',
    });

    expect(await applyFolder(run, 'f', false)).toEqual(['a', 'b']);
  });

  test("stops before a person's change, and says whose and what", async () => {
    const run = scripted({ 'kubectl apply': conflict('kubectl-edit') });

    await expect(applyFolder(run, 'f', false)).rejects.toThrow(
      /^kubectl-edit changed[\s\S]*\.spec\.template\n.*FORCE=1$/,
    );
    expect(run.calls).toHaveLength(1);
  });

  test('takes everything over where it is told to', async () => {
    const run = scripted({});

    await applyFolder(run, 'f', true);

    expect(run.calls).toEqual([expect.stringContaining('--force-conflicts')]);
  });

  test("passes on the cluster's refusal", async () => {
    const run = scripted({ 'kubectl apply': { code: 1, stderr: 'admission webhook denied the request: no' } });

    await expect(applyFolder(run, 'f', false)).rejects.toThrow(/admission webhook denied/);
  });
});

describe('applySecrets', () => {
  const s3 = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'very-secret' };
  const encoded = Buffer.from(s3.AWS_SECRET_ACCESS_KEY).toString('base64');

  test('by standard input, never on the command line', async () => {
    const run = scripted({});

    await applySecrets(run, environment, { config: {}, s3 });

    expect(run.inputs.join()).toContain(encoded);
    expect(run.calls.join()).not.toMatch(new RegExp(`very-secret|${encoded}`));
  });

  test('makes an empty one where pods have an identity, and leaves one that is there', async () => {
    const fresh = scripted({});
    const there = scripted({ 'kubectl create': { code: 1, stderr: 'Error from server (AlreadyExists): …' } });

    await applySecrets(fresh, environment, { config: {} });
    await applySecrets(there, environment, { config: {} });

    expect(new Set(fresh.calls)).toEqual(new Set(['kubectl create -f -']));
    expect(JSON.parse(fresh.inputs[0] ?? '')).toMatchObject({ metadata: { name: 'knative-lambda-s3' }, data: {} });
    expect(there.calls).toHaveLength(fresh.calls.length);
  });

  test('makes a key that nobody else has, and a list of nobody', async () => {
    const runs = [scripted({}), scripted({})];
    for (const run of runs) {
      await applySecrets(run, environment, { config: {}, s3 });
    }

    const made = runs.map(({ inputs }) => inputs.flatMap((text) => text.split('\n')).map((text) => JSON.parse(text)));
    const keys = made.map((all) => all.find(({ metadata }) => metadata.name === 'knative-lambda-keys').data.EVENT_KEY);
    const parsed = keys.map((key) => parseSigningKey(Buffer.from(key, 'base64').toString()));
    expect(parsed.map((key) => key?.secret.length)).toEqual([32, 32]);
    expect(keys[0]).not.toBe(keys[1]);
    const list = made[0]?.find(({ metadata }) => metadata.name === 'knative-lambda-principals');
    expect(parsePrincipals(list.data['principals.yaml'])).toEqual({ principals: { issuers: [], principals: [] } });
  });
});

const broker = (status: object, generation = 1): KubeObject => ({
  apiVersion: 'eventing.knative.dev/v1',
  kind: 'Broker',
  metadata: { name: 'default', generation },
  status: { observedGeneration: 1, ...status },
});
const ready = { type: 'Ready', status: 'True' };
const failing = { type: 'ExchangeReady', status: 'False', reason: 'ExchangeFailure', message: 'no route to host' };

describe('waiting', () => {
  const wanted = [broker({})];

  test.each([
    { case: 'is there', live: [], says: /not there/ },
    { case: 'was looked at', live: [broker({ conditions: [ready] }, 2)], says: /not looked at it yet/ },
    { case: 'has a condition', live: [broker({})], says: /no condition yet/ },
    {
      case: 'is well',
      live: [broker({ conditions: [{ ...ready, status: 'False' }, failing] })],
      says: /^ExchangeReady is False: ExchangeFailure: no route to host$/,
    },
  ])('goes on until it $case', ({ live, says }) => {
    expect(notReady(wanted, live)).toEqual([{ kind: 'Broker', name: 'default', why: expect.stringMatching(says) }]);
  });

  test('ends when all is Ready, and tells how far it is', async () => {
    const said: string[] = [];
    const answers = [[], [broker({ conditions: [ready] })]];
    const run = async () => ({ code: 0, stdout: JSON.stringify({ items: answers.shift() }), stderr: '' });

    await waitUntilReady(run, { namespace: 'n', wanted, say: (line) => said.push(line), timeout: 5000, interval: 1 });

    expect(said).toEqual(['  ready: Brokers 0/1', '  ready: Brokers 1/1']);
  });

  test('says at the end of patience what is not Ready, why, and where to look', async () => {
    const run = scripted({
      'kubectl get Broker.v1.eventing.knative.dev -n n': { items: [broker({ conditions: [failing] })] },
    });

    const waiting = waitUntilReady(run, { namespace: 'n', wanted, say: () => {}, timeout: 0, interval: 5 });

    await expect(waiting).rejects.toThrow(
      /Broker default: ExchangeReady is False[\s\S]*kubectl describe broker default -n n[\s\S]*make deploy again/,
    );
  });
});

test('what RabbitMQ is refused for is told once, whatever the number of its objects', async () => {
  const refused = (name: string) => ({
    kind: 'Exchange',
    metadata: { name },
    status: {
      conditions: [
        { type: 'Ready', status: 'False', message: `Put "https://rabbitmq/${name}": x509: unknown authority` },
      ],
    },
  });
  const run = scripted({
    'kubectl get Broker.v1.eventing.knative.dev -n n': { items: [broker({ conditions: [failing] })] },
    'kubectl get exchanges.rabbitmq.com,': { items: [refused('a'), refused('b')] },
  });

  const waiting = waitUntilReady(run, { namespace: 'n', wanted: [broker({})], say: () => {}, timeout: 0, interval: 5 });

  const { message } = await waiting.then(
    () => new Error('it was ready'),
    (error: Error) => error,
  );
  expect(message.match(/RabbitMQ's operator says: Put "[^"]+": x509: unknown authority/g)).toHaveLength(1);
});

describe('podTroubles', () => {
  const pod = (status: V1PodStatus, service = 's'): V1Pod => ({
    metadata: { labels: { 'serving.knative.dev/service': service } },
    status,
  });
  const waiting = (reason: string, more: Partial<V1ContainerStatus> = {}): V1PodStatus => ({
    containerStatuses: [
      {
        name: 'c',
        image: 'i',
        imageID: '',
        ready: false,
        restartCount: 0,
        state: { waiting: { reason, message: 'm' } },
        ...more,
      },
    ],
  });
  const full = { type: 'PodScheduled', status: 'False', message: 'Insufficient cpu' };
  const ended = { lastState: { terminated: { exitCode: 78, message: 'IMAGE_REGISTRY: is not set\n' } } };

  test.each([
    {
      case: 'an image that is not there',
      pods: [pod(waiting('ImagePullBackOff'))],
      says: ['c (i) is in ImagePullBackOff: m'],
    },
    {
      case: 'a full cluster, once',
      pods: [pod({ conditions: [full] }), pod({ conditions: [full] })],
      says: ['no node takes the pod: Insufficient cpu'],
    },
    {
      case: "a function's last words",
      pods: [pod(waiting('CrashLoopBackOff', ended))],
      says: ['c (i) is in CrashLoopBackOff: it ended with 78 (IMAGE_REGISTRY: is not set)'],
    },
    { case: 'no pod that is on its way', pods: [pod(waiting('ContainerCreating'))], says: [] },
    { case: "no other function's", pods: [pod(waiting('ImagePullBackOff'), 'other')], says: [] },
  ])('tell of $case', ({ pods, says }) => {
    expect(podTroubles(pods, 's')).toEqual(says);
  });
});

describe('the order of deleting', () => {
  const steps = stepsOf({ namespace: 'n', buildsNamespace: 'b' });
  const position = (kind: string) => steps.findIndex(({ kinds }) => kinds.includes(kind));

  test('Triggers, then the Broker, then functions, then Jobs, then RabbitMQ', () => {
    const kinds = [
      'triggers.eventing.knative.dev',
      'brokers.eventing.knative.dev',
      'services.serving.knative.dev',
      'jobs.batch',
      'rabbitmqclusters.rabbitmq.com',
    ];

    expect(kinds.map(position)).toEqual([0, 1, 2, 3, 4]);
    expect(steps[1]?.wait).toContain('queues.rabbitmq.com');
  });

  test("with the Triggers, only what is theirs is waited for: the dead letters' queue is the Broker's", () => {
    const queue = (owner: string): KubeObject => ({
      apiVersion: 'rabbitmq.com/v1beta1',
      kind: 'Queue',
      metadata: {
        name: owner,
        ownerReferences: [{ apiVersion: 'eventing.knative.dev/v1', kind: owner, name: owner, uid: '1' }],
      },
    });
    const trigger: KubeObject = { apiVersion: 'eventing.knative.dev/v1', kind: 'Trigger', metadata: { name: 't' } };
    const [first] = steps;

    const left = stillThere([queue('Trigger'), queue('Broker'), trigger], first?.kinds ?? [], first?.ownedBy);

    expect(left.map(({ metadata }) => metadata.name)).toEqual(['Trigger', 't']);
  });

  test.each([
    { case: 'ours off what is deleted', metadata: { deletionTimestamp: 't', finalizers: ['a', 'f'] }, left: ['a'] },
    { case: 'nothing off what is not', metadata: { finalizers: ['f'] }, left: undefined },
    { case: "nothing of another's", metadata: { deletionTimestamp: 't', finalizers: ['a'] }, left: undefined },
  ])('takes $case', ({ metadata, left }) => {
    expect(finalizersWithout({ name: 'x', ...metadata }, 'f')).toEqual(left);
  });
});
