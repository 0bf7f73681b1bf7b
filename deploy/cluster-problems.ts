/** Everything that a cluster lacks, and how to install it. */
import type { Deployer } from './plan.ts';
import type { Run } from './run.ts';

const KUBERNETES = 29;
const KNATIVE = 15;
const GIT = 'https://github.com';

/** Each is recognised by a resource that it defines. */
const PARTS = [
  {
    resource: 'services.serving.knative.dev',
    part: 'Knative Serving',
    install: 'https://knative.dev/docs/install/yaml-install/serving/install-serving-with-yaml/',
  },
  {
    resource: 'brokers.eventing.knative.dev',
    part: 'Knative Eventing',
    install: 'https://knative.dev/docs/install/yaml-install/eventing/install-eventing-with-yaml/',
  },
  {
    resource: 'rabbitmqbrokerconfigs.eventing.knative.dev',
    part: 'the Knative RabbitMQ Broker',
    install: `${GIT}/knative-extensions/eventing-rabbitmq/releases (rabbitmq-broker.yaml)`,
  },
  {
    resource: 'queues.rabbitmq.com',
    part: "RabbitMQ's messaging topology operator",
    install: `${GIT}/rabbitmq/messaging-topology-operator/releases`,
  },
];

const CLUSTER_OPERATOR = {
  resource: 'rabbitmqclusters.rabbitmq.com',
  part: "RabbitMQ's cluster operator",
  install: `${GIT}/rabbitmq/cluster-operator/releases; or give RABBITMQ_URI, RABBITMQ_USERNAME and RABBITMQ_PASSWORD of a RabbitMQ that is there`,
};

/** Without these the Broker and its queues are never made. */
const CONTROLLERS = [
  { name: 'rabbitmq-broker-controller', part: 'the controller of the Broker class RabbitMQBroker' },
  { name: 'messaging-topology-operator', part: "RabbitMQ's messaging topology operator" },
];

interface Deployment {
  metadata: { name: string; namespace: string; labels?: Record<string, string> };
  status?: { availableReplicas?: number };
}

export interface Findings {
  problems: string[];
  /** What was found, to be shown. */
  notes: string[];
  isReachable: boolean;
}

export async function clusterProblems(
  run: Run,
  { deployer, usesRabbitmqCluster }: { deployer: Deployer; usesRabbitmqCluster: boolean },
): Promise<Findings> {
  const problems: string[] = [];
  const notes: string[] = [];
  if (deployer === 'func' && (await run('func', ['version'])).code === 127) {
    problems.push(
      'func is not in PATH: install it (https://knative.dev/docs/functions/install-func/), or do without: DEPLOYER=kubectl',
    );
  }
  const version = await run('kubectl', ['version', '-o', 'json', '--request-timeout=10s']);
  if (version.code === 127) {
    problems.push('kubectl is not in PATH: install it (https://kubernetes.io/docs/tasks/tools/)');
    return { problems, notes, isReachable: false };
  }
  const { major, minor, gitVersion } = parse(version.stdout)?.serverVersion ?? {};
  if (!gitVersion) {
    problems.push(
      `no cluster answers: set KUBECONFIG, or choose one by kubectl config use-context. kubectl says: ${lastLine(version.stderr)}`,
    );
    return { problems, notes, isReachable: false };
  }
  const context = await run('kubectl', [
    'config',
    'view',
    '--minify',
    '-o',
    'jsonpath={.current-context}, {.clusters[0].cluster.server}',
  ]);
  notes.push(`cluster ${context.stdout.trim()}`, `Kubernetes ${gitVersion}`);
  if (major === '1' && Number.parseInt(minor, 10) < KUBERNETES) {
    problems.push(`Kubernetes is ${gitVersion}: build pods need 1.${KUBERNETES} or later, for sidecar containers`);
  }
  problems.push(...(await missingParts(run, usesRabbitmqCluster)));

  const listed = await run('kubectl', ['get', 'deployments', '-A', '-o', 'json', '--request-timeout=20s']);
  if (listed.code === 0) {
    const deployments: Deployment[] = parse(listed.stdout).items;
    for (const part of ['Serving', 'Eventing']) {
      const { note, problem } = knativeVersion(part, deployments);
      notes.push(note);
      problems.push(...(problem ? [problem] : []));
    }
    problems.push(...CONTROLLERS.flatMap((controller) => controllerProblem(controller, deployments)));
  } else {
    notes.push(`versions and controllers were not checked, because you may not list Deployments`);
  }
  return { problems, notes, isReachable: true };
}

async function missingParts(run: Run, usesRabbitmqCluster: boolean): Promise<string[]> {
  // Not CustomResourceDefinitions, which not everybody may read. The exit code is ignored: an API that is down makes
  // kubectl fail although it has listed the others.
  const { stdout } = await run('kubectl', ['api-resources', '-o', 'name', '--request-timeout=20s']);
  const resources = new Set(stdout.split('\n').map((line) => line.trim()));
  return [...PARTS, ...(usesRabbitmqCluster ? [CLUSTER_OPERATOR] : [])].flatMap(({ resource, part, install }) =>
    resources.has(resource) ? [] : [`the cluster lacks ${part} (${resource}): install it from ${install}`],
  );
}

/** By the label that every release has. A build from source may say anything there. */
function knativeVersion(part: string, deployments: Deployment[]): { note: string; problem?: string } {
  const name = `knative-${part.toLowerCase()}`;
  const one = deployments.find(({ metadata }) => metadata.labels?.['app.kubernetes.io/name'] === name);
  const stated = one?.metadata.labels?.['app.kubernetes.io/version'];
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(stated ?? '') ?? [];
  if (!major || !minor) {
    return {
      note: `Knative ${part} does not say its version (${stated ?? 'no label'}); it must be 1.${KNATIVE} or later`,
    };
  }
  const note = `Knative ${part} ${stated}`;
  const isOld = Number(major) < 1 || (Number(major) === 1 && Number(minor) < KNATIVE);
  return isOld ? { note, problem: `${note} is too old: 1.${KNATIVE} or later is needed` } : { note };
}

function controllerProblem({ name, part }: { name: string; part: string }, deployments: Deployment[]): string[] {
  const found = deployments.find(({ metadata }) => metadata.name === name);
  if (!found) {
    return [`${part} is not there: no Deployment ${name} in any namespace`];
  }
  if ((found.status?.availableReplicas ?? 0) > 0) {
    return [];
  }
  return [
    `${part} does not run: see kubectl describe deployment ${name} -n ${found.metadata.namespace}, and its pods' logs`,
  ];
}

// biome-ignore lint/suspicious/noExplicitAny: what kubectl prints; each caller takes the fields it names.
function parse(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
