/** The order in which an environment is deleted. */
import type { KubeObject, ObjectMeta } from '#shared/kubernetes/object.ts';
import { TERMINAL_EVENT_FINALIZER } from '#shared/specs/annotations.ts';
import type { Environment } from './environment.ts';

export interface Step {
  title: string;
  namespace: string;
  /** All of these are deleted. */
  kinds: string[];
  /** Until none of these is left. */
  wait: string[];
  /** Of what is waited for but not deleted here: only what objects of this kind own. */
  ownedBy?: string;
  /** Taken off what is being deleted. */
  finalizer?: string;
}

const POLICIES = 'policies.rabbitmq.com';
/** What the RabbitMQ Broker makes, and the messaging topology operator takes out of RabbitMQ: while RabbitMQ's Secret is still there. */
const TOPOLOGY = ['bindings.rabbitmq.com', 'queues.rabbitmq.com', 'exchanges.rabbitmq.com', POLICIES];
const TRIGGERS = 'triggers.eventing.knative.dev';
const BROKERS = 'brokers.eventing.knative.dev';
const SOURCES = ['apiserversources.sources.knative.dev', 'pingsources.sources.knative.dev'];
const SERVICES = 'services.serving.knative.dev';
const CLUSTERS = 'rabbitmqclusters.rabbitmq.com';

export function stepsOf({ namespace, buildsNamespace }: Pick<Environment, 'namespace' | 'buildsNamespace'>): Step[] {
  return [
    // Sources first, that nobody sends any more. A binding cannot be taken out of an exchange that is gone: Triggers before their Broker.
    {
      title: 'sources and Triggers',
      namespace,
      kinds: [...SOURCES, TRIGGERS],
      wait: [...SOURCES, TRIGGERS, ...TOPOLOGY],
      ownedBy: 'Trigger',
    },
    // Of the policies one is ours, and no Broker's to delete.
    { title: 'Brokers', namespace, kinds: [BROKERS, POLICIES], wait: [BROKERS, ...TOPOLOGY] },
    { title: 'functions', namespace, kinds: [SERVICES], wait: [SERVICES, 'revisions.serving.knative.dev'] },
    // Now nobody makes a Job any more, and nobody processes its end, which is what the finalizer waits for.
    {
      title: 'build Jobs',
      namespace: buildsNamespace,
      kinds: ['jobs.batch'],
      wait: ['jobs.batch'],
      finalizer: TERMINAL_EVENT_FINALIZER,
    },
    { title: 'RabbitMQ', namespace, kinds: [CLUSTERS], wait: [CLUSTERS] },
  ];
}

/** `kinds`: those that this step deletes. */
export function stillThere(objects: KubeObject[], kinds: string[], ownedBy: string | undefined): KubeObject[] {
  return objects.filter(
    ({ apiVersion, kind, metadata }) =>
      !ownedBy ||
      kinds.some((name) => name === `${kind.toLowerCase()}s.${apiVersion.split('/')[0]}`) ||
      metadata.ownerReferences?.some((owner) => owner.kind === ownedBy),
  );
}

/** What is left of an object's finalizers; undefined where it has none of that name or is not being deleted. */
export function finalizersWithout(metadata: ObjectMeta, finalizer: string): string[] | undefined {
  const { deletionTimestamp, finalizers = [] } = metadata;
  return deletionTimestamp && finalizers.includes(finalizer)
    ? finalizers.filter((name) => name !== finalizer)
    : undefined;
}
