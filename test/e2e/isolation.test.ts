/**
 * A malicious source looks for whatever it was not given: in a RUN step, while dependencies are installed, and as a
 * running function. It finds nothing. What stays within its reach where nothing in the cluster prevents it,
 * docs/security.md says.
 */
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Identity } from '#shared/events/identity.ts';
import { answering, byJob } from '#test/contract/sources.ts';
import { until } from '#test/contract/until.ts';
import { World } from '#test/contract/world.ts';
import { policiesAreEnforced } from './isolation-enforced.ts';
import {
  type Answer,
  type Loot,
  lootIn,
  lootingDockerfile,
  lootingPackage,
  lootingRequirement,
  statusLine,
  type Target,
  textOf,
} from './isolation-loot.ts';
import { type KnownSecret, secretsOf, targetsOf } from './isolation-targets.ts';

/** CHOWN, DAC_OVERRIDE, FOWNER, SETGID, SETUID: what Kaniko cannot do without. */
const CAPABILITIES_OF_KANIKO = '00000000000000cb';

let world: World;
let core: CoreV1Api;
let config: Record<string, string>;
let secrets: KnownSecret[];
let victim: Identity;
let targets: Target[];
let enforced: boolean;

beforeAll(async () => {
  world = await new World().open();
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromString(world.platform.kubeconfig);
  core = kubeconfig.makeApiClient(CoreV1Api);
  const { namespace, run } = world.platform;
  config = await world.config();
  secrets = await secretsOf(core, [namespace, world.buildsNamespace]);
  enforced = await policiesAreEnforced(core, {
    namespace: world.buildsNamespace,
    image: config['BUILDER_IMAGE'] ?? '',
    url: config['BROKER_URL'] ?? '',
    run,
  });

  victim = { third_party_id: 'victim', parser_id: `victim-${run}-0` };
  await world.upload(victim, byJob(answering('a trade secret')));
  await world.send({ type: 'build.start', data: victim });
  const { data } = await world.seen('job.start', victim);
  await world.seen('lifecycle.build.completed', victim);
  const [pod] = await world.pods(`knative-lambda/parser-id=${victim.parser_id}`, world.buildsNamespace);
  targets = targetsOf({
    config,
    namespaces: [namespace, world.buildsNamespace],
    victim,
    context: data.context,
    node: pod?.status?.hostIP ?? '',
  });
});

afterAll(async () => {
  await world.forget(victim.parser_id);
  await world.close();
});

const isRefused = ({ status }: Answer) => status === undefined || status === 401 || status === 403;

function stolenFrom(loot: Loot): string[] {
  const text = textOf(loot);
  return [
    ...secrets.filter(({ value }) => text.includes(value)).map(({ name }) => name),
    ...(text.match(/eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g) ?? []).map(() => 'a token'),
    ...(text.match(/\bAWS_(?!REGION\b|DEFAULT_REGION\b)\w+(?==)/g) ?? []),
    ...Object.keys(loot.files).filter((path) => /serviceaccount|\/(?:token|id_rsa|\.aws|\.kube)(?:\/|$)/.test(path)),
  ];
}

/**
 * Kubernetes, the node, the cloud and S3 give it nothing; whoever need not be reached is not even reached where
 * policies are enforced.
 */
function expectNothing({ answers = {} }: Loot, { walled }: { walled: boolean }): void {
  const others = Object.entries(answers).filter(([name]) => !name.includes('registry'));
  expect(others.length).toBeGreaterThan(10);
  for (const [name, answer] of others.filter(([target]) => /^(API|S3)/.test(target))) {
    expect([name, answer.status, isRefused(answer)]).toEqual([name, answer.status, true]);
  }
  for (const [name, answer] of others.filter(([target]) => /^(kubelet|metadata)/.test(target))) {
    const harmless = walled && enforced ? answer.status === undefined : answer.status !== 200;
    expect([name, answer.status, harmless]).toEqual([name, answer.status, true]);
  }
}

function expectConfined(loot: Loot, pod: string): void {
  const ofKaniko = [loot.environments['1']].flat();
  expect(ofKaniko, 'a RUN step reads the environment of Kaniko: if not, this shows nothing').toContainEqual(
    expect.stringMatching(`^POD_NAME=${pod}-`),
  );
  expect(stolenFrom(loot)).toEqual([]);
  expect({
    capabilities: statusLine(loot, 'CapBnd'),
    noNewPrivileges: statusLine(loot, 'NoNewPrivs'),
    seccomp: statusLine(loot, 'Seccomp'),
  }).toEqual({ capabilities: CAPABILITIES_OF_KANIKO, noNewPrivileges: '1', seccomp: '2' });
}

async function builtBy(mallory: Identity, files: Record<string, string>): Promise<{ job: string; loot: Loot }> {
  await world.upload(mallory, files);
  await world.send({ type: 'build.start', data: mallory });
  const { data } = await world.seen('build.complete', mallory, undefined, 120);
  const log = await until('its log', () => world.read(data.log.bucket, data.log.key).catch(() => undefined));
  return { job: data.job_name, loot: lootIn(log) };
}

describe('mallory, who belongs to another tenant than victim, finds nothing', () => {
  test('in a RUN step of a Dockerfile', async () => {
    const mallory = world.parser('run-step', 'mallory');

    const { job, loot } = await builtBy(mallory, lootingDockerfile(config['BASE_IMAGE_NODE'] ?? '', targets));

    expectConfined(loot, job);
    expectNothing(loot, { walled: true });
    expect(loot.listening).toEqual([]);
  });

  test('in the build backend of a Python dependency, nor hears what the rest of the pod says', async () => {
    const mallory = world.parser('backend', 'mallory');

    const { job, loot } = await builtBy(mallory, lootingRequirement(mallory.parser_id));

    expectConfined(loot, job);
    expect(loot.sniffing).toBe('Operation not permitted');
  });

  test('in a postinstall script, nor in the function that comes of it', async ({ annotate }) => {
    const mallory = world.parser('postinstall', 'mallory');

    const { job, loot } = await builtBy(mallory, lootingPackage(targets));

    expectConfined(loot, job);
    expectNothing(loot, { walled: true });
    if (Object.entries(loot.answers ?? {}).some(([name, { status }]) => / registry$/.test(name) && status === 200)) {
      // Nobody can be told apart there, so there is nothing to expect.
      await annotate('the registry asks nobody who he is: victim’s images and cache lie open (docs/security.md)');
    } else {
      const repositories = Object.entries(loot.answers ?? {}).filter(([name]) => /registry: /.test(name));
      expect(repositories.filter(([, answer]) => !isRefused(answer))).toEqual([]);
    }

    await world.seen('lifecycle.function.ready', mallory);
    await world.send({ type: 'parser.start', subject: `mallory/${mallory.parser_id}` });
    const { data } = await world.seen('parser.complete', mallory);
    const ofFunction: Loot = data.result;
    expect(stolenFrom(ofFunction)).toEqual([]);
    expectNothing(ofFunction, { walled: true });
    expect({
      capabilities: statusLine(ofFunction, 'CapBnd'),
      noNewPrivileges: statusLine(ofFunction, 'NoNewPrivs'),
      seccomp: statusLine(ofFunction, 'Seccomp'),
      isRoot: statusLine(ofFunction, 'Uid')?.startsWith('0'),
    }).toEqual({ capabilities: '0000000000000000', noNewPrivileges: '1', seccomp: '2', isRoot: false });

    const [pod] = await world.pods(`knative-lambda/parser-id=${mallory.parser_id}`);
    expect(pod?.spec).toMatchObject({
      serviceAccountName: 'knative-lambda-function',
      automountServiceAccountToken: false,
    });
    expect(pod?.spec.volumes ?? []).toEqual([]);
    const [service] = await world.services(mallory);
    expect(service?.metadata?.labels).toMatchObject({ 'networking.knative.dev/visibility': 'cluster-local' });
  });
});
