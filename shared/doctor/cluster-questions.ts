/** Kubernetes, Knative, our own Services, Triggers and Brokers. */
import type { V1Pod } from '@kubernetes/client-node';
import type { KnativeObject } from '#shared/clients/cluster.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { parseQuantity } from '#shared/kubernetes/quantity.ts';
import { startTroubles } from '#shared/kubernetes/start-troubles.ts';
import { failed, noneOf, ok, type Question, some, warning } from './check.ts';
import { BUILDERS, TRIGGERS } from './installed.ts';

const OLDEST_KUBERNETES = 29;
/** Of one container. */
const MANY_RESTARTS = 3;
const CLASS = 'eventing.knative.dev/broker.class';
const DEPLOY = 'make deploy';

const named = ({ metadata }: KubeObject | KnativeObject) => metadata.name;

export function notReady(object: KubeObject | KnativeObject): string | undefined {
  const conditions: { type: string; status: string; reason?: string; message?: string }[] =
    (object as KnativeObject).status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True') {
    return undefined;
  }
  const why = conditions.find(({ status, message }) => status === 'False' && message) ?? ready;
  return why?.message ?? why?.reason ?? 'it says nothing about itself yet';
}

export function troubled(pods: readonly V1Pod[]): string[] {
  return pods.flatMap((pod) => {
    const [trouble] = pod.metadata?.deletionTimestamp ? [] : startTroubles(pod);
    const why = trouble?.kind === 'waiting' ? `${trouble.reason}: ${trouble.message ?? ''}` : trouble?.message;
    return why === undefined ? [] : [`${pod.metadata?.name} (${why})`];
  });
}

/** Names of pods that were started again and again. */
export function restarted(pods: readonly V1Pod[]): string[] {
  const isOften = ({ status }: V1Pod) =>
    (status?.containerStatuses ?? []).some(({ restartCount }) => restartCount >= MANY_RESTARTS);
  return pods.filter(isOften).map(({ metadata }) => metadata?.name ?? '');
}

function allReady(objects: (KubeObject | KnativeObject)[] | undefined, what: string, command: string) {
  if (!objects) {
    return undefined;
  }
  const bad = objects.flatMap((object) => {
    const why = notReady(object);
    return why === undefined ? [] : [`${named(object)} (${why})`];
  });
  return bad.length === 0
    ? ok(`all ${objects.length} ${what} are Ready`)
    : failed(`not Ready: ${some(bad)}`, 'See its conditions, and do what the message says', command);
}

export const CLUSTER: Question[] = [
  {
    name: 'kubernetes-version',
    needs: "Kubernetes' version",
    look: ({ kubernetesVersion }) => {
      const [, minor] = /^v?1\.(\d+)/.exec(kubernetesVersion ?? '') ?? [];
      return minor === undefined
        ? undefined
        : Number(minor) >= OLDEST_KUBERNETES
          ? ok(`Kubernetes is ${kubernetesVersion}`)
          : failed(
              `Kubernetes is ${kubernetesVersion}`,
              `Build pods need 1.${OLDEST_KUBERNETES}: see what runs, and upgrade it`,
              'kubectl version',
            );
    },
  },
  ...[
    { name: 'knative-serving', group: 'serving.knative.dev', part: 'Knative Serving' },
    { name: 'knative-eventing', group: 'eventing.knative.dev', part: 'Knative Eventing' },
    { name: 'rabbitmq-operators', group: 'rabbitmq.com', part: "RabbitMQ's operators" },
  ].map(
    ({ name, group, part }): Question => ({
      name,
      needs: "the list of the API's groups",
      look: ({ apiGroups }) =>
        apiGroups &&
        (apiGroups.includes(group)
          ? ok(`${part}: ${group} is served`)
          : failed(
              `nothing serves ${group}`,
              `See what is served, and install ${part}: docs/install.md`,
              'kubectl api-resources',
            )),
    }),
  ),
  {
    name: 'functions-of-ours',
    needs: 'Services of this namespace',
    look: ({ builders }) =>
      noneOf(
        builders && BUILDERS.filter((name) => !builders.some((one) => named(one) === name)),
        `all ${BUILDERS.length} are there`,
        (missing) => failed(`missing: ${some(missing)}`, 'Deploy again', DEPLOY),
      ),
  },
  {
    name: 'functions-of-ours-ready',
    needs: 'Services of this namespace',
    look: ({ builders }) =>
      allReady(builders, 'functions of ours', 'kubectl get ksvc -l app.kubernetes.io/component=builder'),
  },
  {
    name: 'one-image',
    needs: 'Services of this namespace',
    look: ({ builders }) => {
      const images = builders && new Set(builders.map(({ spec }) => spec?.template?.spec?.containers?.[0]?.image));
      return (
        images &&
        (images.size <= 1
          ? ok('all functions of ours run the same image')
          : failed(
              `${images.size} images are deployed at once`,
              'A deployment has ended half way: deploy again',
              DEPLOY,
            ))
      );
    },
  },
  {
    name: 'pods-of-ours',
    needs: 'pods of this namespace',
    look: ({ builderPods }) =>
      noneOf(builderPods && troubled(builderPods), 'every pod of ours starts', (bad) =>
        failed(
          `does not start: ${some(bad)}`,
          'See what Kubernetes says of them, and mend that',
          'kubectl get pods -l app.kubernetes.io/component=builder',
        ),
      ),
  },
  {
    name: 'restarts',
    needs: 'pods of this namespace',
    look: ({ builderPods }) =>
      noneOf(builderPods && restarted(builderPods), 'no pod of ours was started again and again', (often) =>
        warning(
          `started again and again: ${some(often)}`,
          'See how its last run ended',
          'kubectl describe pods -l app.kubernetes.io/component=builder',
        ),
      ),
  },
  {
    name: 'brokers',
    needs: 'Brokers of this namespace',
    look: ({ brokers }) => {
      const missing =
        brokers && ['default', 'dead-letters'].filter((name) => !brokers.some((one) => named(one) === name));
      return missing && missing.length > 0
        ? failed(`there is no Broker ${some(missing)}`, 'Deploy again', DEPLOY)
        : allReady(brokers, 'Brokers', 'kubectl describe brokers');
    },
  },
  {
    name: 'broker-class',
    needs: 'Brokers of this namespace',
    look: ({ brokers }) =>
      noneOf(
        brokers?.filter(({ metadata }) => metadata.annotations?.[CLASS] !== 'RabbitMQBroker'),
        'all Brokers are of the class RabbitMQBroker',
        (other) =>
          failed(
            `of another class: ${some(other.map(named))}`,
            'A class cannot be changed: delete the Broker, then deploy',
            DEPLOY,
          ),
      ),
  },
  {
    name: 'broker-delivery',
    needs: 'Brokers of this namespace',
    look: ({ brokers }) => {
      const main = brokers?.find((one) => named(one) === 'default');
      const { retry, deadLetterSink } = main?.['spec']?.delivery ?? {};
      return (
        main &&
        (retry === 5 && deadLetterSink
          ? ok('the Broker tries 5 times, then keeps a dead letter')
          : failed(
              `the Broker tries ${retry ?? 'no'} times again, and ${deadLetterSink ? '' : 'no '}dead letters are kept`,
              "A Broker's delivery is set when it is made: delete it while nothing is under way, then deploy",
              DEPLOY,
            ))
      );
    },
  },
  {
    name: 'triggers',
    needs: 'Triggers of this namespace',
    look: ({ triggers }) =>
      noneOf(
        triggers && TRIGGERS.filter((name) => !triggers.some((one) => named(one) === name)),
        `all ${TRIGGERS.length} are there`,
        (missing) => failed(`missing: ${some(missing)}`, 'Events of these types are lost: deploy again', DEPLOY),
      ),
  },
  {
    name: 'triggers-ready',
    needs: 'Triggers of this namespace',
    look: ({ triggers }) => allReady(triggers, 'Triggers', 'kubectl get triggers'),
  },
  {
    name: 'trigger-subscribers',
    needs: 'Triggers and Services of this namespace',
    look: ({ triggers, builders }) => {
      const lost =
        builders &&
        triggers?.filter(({ spec }) => {
          const name = spec?.subscriber?.ref?.name;
          return name !== undefined && !builders.some((one) => named(one) === name);
        });
      return noneOf(lost, 'every Trigger leads to a Service that is there', (found) =>
        failed(`lead nowhere: ${some(found.map(named))}`, 'Deploy again, or delete them', DEPLOY),
      );
    },
  },
  {
    name: 'sources',
    needs: 'ApiServerSources and PingSources of this namespace',
    look: ({ sources }) =>
      sources?.length === 0
        ? failed(
            'there is no ApiServerSource and no PingSource',
            'Nothing is seen that events miss: deploy again',
            DEPLOY,
          )
        : allReady(sources, 'sources', 'kubectl get apiserversources,pingsources'),
  },
  {
    name: 'quotas',
    needs: 'ResourceQuotas of both namespaces',
    look: ({ quotas }) =>
      noneOf(
        quotas?.flatMap((quota) => nearlyFull(quota)),
        'every quota has room',
        (full) =>
          warning(
            `nearly used up: ${some(full)}`,
            'See which, and have the quota raised, by a patch in the overlay',
            'kubectl get resourcequotas -A',
          ),
      ),
  },
];

const NEARLY = 0.9;

function nearlyFull(quota: KubeObject): string[] {
  const { hard = {}, used = {} } =
    (quota as { status?: { hard?: Record<string, string>; used?: Record<string, string> } }).status ?? {};
  return Object.entries(hard).flatMap(([name, most]) => {
    const [limit = 0, now = 0] = [parseQuantity(most), parseQuantity(used[name] ?? '0')];
    return limit > 0 && now / limit >= NEARLY ? [`${named(quota)} ${name} ${used[name]}/${most}`] : [];
  });
}
