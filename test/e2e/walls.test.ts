/**
 * Who reaches whom where NetworkPolicies are enforced: a hostile function, a hostile build and a pod of another
 * namespace knock at every door. That everybody else still gets where he must, the rest of the suite shows.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Identity } from '#shared/events/identity.ts';
import { unprivileged } from '#shared/specs/build-pod/security.ts';
import { answering } from '#test/contract/sources.ts';
import { until } from '#test/contract/until.ts';
import { World } from '#test/contract/world.ts';
import { policiesAreEnforced } from './isolation-enforced.ts';
import { type Answer, type Loot, lootIn, lootingDockerfile, type Target } from './isolation-loot.ts';

const LOOT = readFileSync(join(import.meta.dirname, 'malicious/loot.mjs'), 'utf8');
/** What a policy makes of a connection, by network: no answer at all, or a refusal. */
const CLOSED = ['ETIMEDOUT', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EACCES', 'EPERM'];
const SKIPPED = 'this cluster enforces no NetworkPolicies';

let world: World;
let core: CoreV1Api;
let config: Record<string, string>;
let enforced: boolean;
let victim: Identity;
let victimService: string;

beforeAll(async () => {
  world = await new World().open();
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromString(world.platform.kubeconfig);
  core = kubeconfig.makeApiClient(CoreV1Api);
  const { run } = world.platform;
  config = await world.config();
  enforced = await policiesAreEnforced(core, {
    namespace: world.buildsNamespace,
    image: config['BUILDER_IMAGE'] ?? '',
    url: config['BROKER_URL'] ?? '',
    run: `${run}-walls`,
  });
  // Awake all the time, so that there is a pod to knock at.
  victim = world.lastingParser('walls-victim', 'victim');
  await world.upload(victim, answering('at home'));
  await world.send({ type: 'build.start', data: { ...victim, parameters: { scaling: { min: 1 } } } });
  victimService = (await world.seen('lifecycle.function.ready', victim)).data.service_name;
});

afterAll(async () => world.close());

/** Doors by name: `our` pods that run now, RabbitMQ, the API server, the node's credentials. */
async function doors(): Promise<Target[]> {
  const { namespace } = world.platform;
  // sweep is called every minute, so that there is a builder's pod before long.
  const builder = await until('a pod of the builder', () => readyPod('app.kubernetes.io/component=builder'), 90);
  const ofVictim = await until('the victim’s pod', () => readyPod(`serving.knative.dev/service=${victimService}`));
  const broker = await until('the Broker’s pod', () =>
    readyPod('eventing.knative.dev/brokerRole=ingress,eventing.knative.dev/broker=default'),
  );
  const secret = await core.readNamespacedSecret({ name: 'rabbitmq', namespace }).catch(() => undefined);
  const uri = Buffer.from(secret?.data?.['uri'] ?? '', 'base64').toString() || `http://rabbitmq.${namespace}.svc:15672`;
  return [
    { name: 'broker: Service', url: config['BROKER_URL'] ?? '' },
    { name: 'broker: pod', url: `http://${broker}:8080` },
    { name: 'function: Service', url: `http://${victimService}.${namespace}.svc.cluster.local` },
    { name: 'function: pod', url: `http://${ofVictim}:8012` },
    { name: 'function: container', url: `http://${ofVictim}:8080` },
    { name: 'builder: Service', url: `http://build-start.${namespace}.svc.cluster.local` },
    { name: 'builder: pod', url: `http://${builder}:8012` },
    { name: 'builder: container', url: `http://${builder}:8080` },
    { name: 'builder: metrics', url: `http://${builder}:9464/metrics` },
    { name: 'rabbitmq: management', url: uri },
    { name: 'rabbitmq: AMQP', url: `http://${new URL(uri).hostname}:5672` },
    { name: 'API server', url: 'https://kubernetes.default.svc/version' },
    { name: 'metadata', url: 'http://169.254.169.254/latest/meta-data/' },
  ];
}

/** Its address. */
async function readyPod(selector: string): Promise<string | undefined> {
  const isReady = ({ status, metadata }: Awaited<ReturnType<World['pods']>>[number]) =>
    !metadata?.deletionTimestamp &&
    status?.conditions?.some(
      ({ type, status }: { type: string; status: string }) => type === 'Ready' && status === 'True',
    );
  return (await world.pods(selector)).find(isReady)?.status.podIP;
}

/** Names of the doors that opened, each with what was behind it. */
function opened({ answers = {} }: Loot): string[] {
  expect(Object.keys(answers)).toHaveLength(13);
  const isOpen = ({ status, error }: Answer) => status !== undefined || !CLOSED.includes(error ?? '');
  return Object.entries(answers).flatMap(([name, answer]) =>
    isOpen(answer) ? [`${name} (${answer.status ?? answer.error})`] : [],
  );
}

describe('nothing opens to whom it need not', () => {
  test('to a function: neither Broker nor RabbitMQ, no other function, nothing of the cluster', async ({ skip }) => {
    skip(!enforced, SKIPPED);
    const mallory = world.parser('walls', 'mallory');
    const handler = `import { loot } from './loot.mjs';\n\nexport const handler = ({ data }) => loot(data.targets);\n`;
    await world.upload(mallory, { 'parser.mjs': handler, 'loot.mjs': LOOT });
    await world.send({ type: 'build.start', data: mallory });
    await world.seen('lifecycle.function.ready', mallory);

    const targets = await doors();
    await world.send({ type: 'parser.start', subject: `mallory/${mallory.parser_id}`, data: { targets } });

    const { data } = await world.seen('parser.complete', mallory);
    expect(opened(data.result)).toEqual([]);
  });

  test('to a build: the Broker and the API server, and neither functions nor RabbitMQ', async ({ skip }) => {
    skip(!enforced, SKIPPED);
    const mallory = world.parser('walls-build', 'mallory');
    await world.upload(mallory, lootingDockerfile(config['BASE_IMAGE_NODE'] ?? '', await doors()));

    await world.send({ type: 'build.start', data: mallory });

    const { data } = await world.seen('build.complete', mallory, undefined, 120);
    const log = await until('its log', () => world.read(data.log.bucket, data.log.key).catch(() => undefined));
    const open = opened(lootIn(log)).map((door) => door.replace(/ \(.*/, ''));
    expect(open.filter((door) => door !== 'API server')).toEqual(['broker: Service', 'broker: pod']);
  });

  test('to a pod of another namespace: no pod of ours', async ({ skip, annotate }) => {
    skip(!enforced, SKIPPED);

    const open = opened(await knockFromOutside(await doors()));

    expect(open, 'it reaches what nobody guards: if not, this shows nothing').toContainEqual(
      expect.stringMatching(/^API server/),
    );
    expect(open.filter((door) => /^(broker|.*: (pod|container|metrics))/.test(door))).toEqual([]);
    // Knative's ingress gateway calls functions for everybody who reaches it.
    for (const door of open.filter((name) => / ?: Service/.test(name))) {
      await annotate(`${door} opens through the ingress gateway (docs/security.md)`);
    }
  });
});

/** From a pod without labels, in a namespace without policies. */
async function knockFromOutside(targets: Target[]): Promise<Loot> {
  const namespace = `knative-lambda-e2e-${world.platform.run}`;
  const print = `console.log('LOOT ' + Buffer.from(JSON.stringify({ answers })).toString('base64') + ' END');`;
  const script = `${LOOT}\nconst { answers } = await loot(${JSON.stringify(targets)});\n${print}\n`;
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  try {
    await until('its account', () =>
      core.readNamespacedServiceAccount({ name: 'default', namespace }).catch(() => undefined),
    );
    await core.createNamespacedPod({
      namespace,
      body: {
        metadata: { name: 'stranger' },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          containers: [
            {
              name: 'stranger',
              image: config['BUILDER_IMAGE'] ?? '',
              command: ['node', '--input-type=module', '--eval', script],
              securityContext: unprivileged,
            },
          ],
        },
      },
    });
    await until('the stranger to have knocked', async () => {
      const { status } = await core.readNamespacedPod({ name: 'stranger', namespace });
      return status?.phase === 'Succeeded' || status?.phase === 'Failed';
    });
    return lootIn(await core.readNamespacedPodLog({ name: 'stranger', namespace }));
  } finally {
    await core.deleteNamespace({ name: namespace });
  }
}
