/** The order in which an environment is deleted. */
import type { KubeObject, ObjectMeta } from '#shared/kubernetes/object.ts';
import { TERMINAL_EVENT_FINALIZER } from '#shared/specs/annotations.ts';
import type { Environment } from './environment.ts';

export interface Step {
  title: string;
  namespace: string;
  /** All of these are deleted. */
  kinds: string[];
  /** The step ends when none of these is left. */
  wait: string[];
  /** Of the kinds that are waited for but not deleted here, only objects that this kind owns count. */
  ownedBy?: string;
  /** Removed from what is being deleted. */
  finalizer?: string;
}

const POLICIES = 'policies.rabbitmq.com';
/**
 * Made by the RabbitMQ Broker. The messaging topology operator removes them from RabbitMQ, for which it needs
 * RabbitMQ's Secret.
 */
const TOPOLOGY = ['bindings.rabbitmq.com', 'queues.rabbitmq.com', 'exchanges.rabbitmq.com', POLICIES];
const TRIGGERS = 'triggers.eventing.knative.dev';
const BROKERS = 'brokers.eventing.knative.dev';
const SOURCES = ['apiserversources.sources.knative.dev', 'pingsources.sources.knative.dev'];
const SERVICES = 'services.serving.knative.dev';
const CLUSTERS = 'rabbitmqclusters.rabbitmq.com';

export function stepsOf({ namespace, buildsNamespace }: Pick<Environment, 'namespace' | 'buildsNamespace'>): Step[] {
  return [
    // Sources first, so that nothing sends any more. Triggers before their Broker: a binding cannot be removed from an
    // exchange that is gone.
    {
      title: 'sources and Triggers',
      namespace,
      kinds: [...SOURCES, TRIGGERS],
      wait: [...SOURCES, TRIGGERS, ...TOPOLOGY],
      ownedBy: 'Trigger',
    },
    // One of the policies is ours: no Broker deletes it.
    { title: 'Brokers', namespace, kinds: [BROKERS, POLICIES], wait: [BROKERS, ...TOPOLOGY] },
    { title: 'functions', namespace, kinds: [SERVICES], wait: [SERVICES, 'revisions.serving.knative.dev'] },
    // By now nothing makes a Job, and nothing processes the end of one, for which the finalizer would wait.
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

/** What a step still waits for. `kinds` are those that it deletes. */
export function stillThere(objects: KubeObject[], kinds: string[], ownedBy: string | undefined): KubeObject[] {
  return objects.filter(
    ({ apiVersion, kind, metadata }) =>
      !ownedBy ||
      kinds.some((name) => name === `${kind.toLowerCase()}s.${apiVersion.split('/')[0]}`) ||
      metadata.ownerReferences?.some((owner) => owner.kind === ownedBy),
  );
}

/** The object's other finalizers. Undefined where it does not have this one, or is not being deleted. */
export function finalizersWithout(metadata: ObjectMeta, finalizer: string): string[] | undefined {
  const { deletionTimestamp, finalizers = [] } = metadata;
  return deletionTimestamp && finalizers.includes(finalizer)
    ? finalizers.filter((name) => name !== finalizer)
    : undefined;
}
