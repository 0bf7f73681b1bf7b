/**
 * The event sources, Knative Serving, and the controller of Triggers. An event of theirs may come late or never, and is
 * never sent again.
 */
import { objectEvent } from '#local/sources/object-event.ts';
import type { KnativeObject } from '#shared/clients/cluster.ts';
import { MINUTE, SECOND } from '#shared/durations.ts';
import { isOwnTrigger } from '#shared/specs/delivery.ts';
import { functionUrl } from '#shared/specs/knative-service.ts';
import { FUNCTIONS_NAMESPACE, type InMemoryCluster, JOBS, SERVICES, TRIGGERS } from '#test/fakes/cluster.ts';
import type { SimulatedBroker } from './broker.ts';
import type { Simulation } from './simulation.ts';
import { subscriptionOf } from './subscriptions.ts';

const CHANGES = { ADDED: 'add', MODIFIED: 'update', DELETED: 'delete' } as const;
const NO_TIME = '0001-01-01T00:00:00Z';

/** Both ApiServerSources. What happens while an adapter is away is never sent. */
export function startApiServerSource(simulation: Simulation, cluster: InMemoryCluster, broker: SimulatedBroker): void {
  const counts = new Map<string, number>();
  for (const [resource, plural] of [
    [JOBS, 'jobs'],
    [SERVICES, 'services'],
  ] as const) {
    cluster.storage.watch(resource, ({ type, object }) => {
      const { name } = object.metadata;
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      const id = `${name}#${count}`;
      const minute = Math.floor(simulation.now / MINUTE);
      if (simulation.fails('the ApiServerSource is away', `${resource} ${minute}`, 0.08)) {
        return;
      }
      if (simulation.fails('the ApiServerSource drops it', id, 0.04)) {
        return;
      }
      const { attributes, data } = objectEvent(CHANGES[type], object, 'https://kubernetes', plural);
      const headers: Record<string, string> = { 'ce-specversion': '1.0', 'ce-id': id, 'ce-time': NO_TIME };
      for (const [attribute, value] of Object.entries(attributes)) {
        headers[attribute === 'datacontenttype' ? 'content-type' : `ce-${attribute}`] = value;
      }
      simulation.after(simulation.between(`told ${id}`, 1, 100), () => broker.store({ headers, body: data }));
    });
  }
}

/** Sends a ping every minute, until the run ends. */
export function startPing(simulation: Simulation, broker: SimulatedBroker, eachMinute: () => void): void {
  const ping = (count: number) => {
    simulation.at(simulation.now + MINUTE, () => ping(count + 1), { background: true });
    eachMinute();
    if (simulation.fails('the PingSource misses a minute', `${count}`, 0.1)) {
      return;
    }
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': `ping-${count}`,
      'ce-source': `/apis/v1/namespaces/${FUNCTIONS_NAMESPACE}/pingsources/sweep`,
      'ce-type': 'dev.knative.sources.ping',
      'ce-task': 'sweep',
      'ce-time': new Date().toISOString(),
      'content-type': 'application/json',
    };
    broker.store({ headers, body: Buffer.from('{}') });
  };
  simulation.at(simulation.now + MINUTE, () => ping(1), { background: true });
}

/**
 * Knative Serving: each generation becomes ready a moment later. This changes a Service while our functions work on it.
 */
export function startServing(simulation: Simulation, { storage }: InMemoryCluster): void {
  storage.watch(SERVICES, ({ type, object }) => {
    const { name, namespace, generation = 1, uid } = object.metadata;
    if (type === 'DELETED' || object['status']?.observedGeneration === generation) {
      return;
    }
    const where = `${name} ${generation}`;
    const isSlow = simulation.fails('the revision is not ready for long', where, 0.03);
    simulation.after(simulation.between(`ready ${where}`, 100, isSlow ? 3 * MINUTE : 8 * SECOND), () => {
      const current = storage.get(SERVICES, namespace, name);
      if (current?.metadata.uid !== uid || current?.metadata.generation !== generation) {
        return;
      }
      const revision = `${name}-${String(generation).padStart(5, '0')}`;
      storage.updateStatus(SERVICES, namespace, name, {
        observedGeneration: generation,
        latestCreatedRevisionName: revision,
        latestReadyRevisionName: revision,
        address: { url: functionUrl(name, FUNCTIONS_NAMESPACE) },
        conditions: [{ type: 'Ready', status: 'True' }],
      });
    });
  });
}

/** Binds the queue of a function's Trigger a moment after it was made, and says a moment later that it is ready. */
export function startTriggers(simulation: Simulation, { storage }: InMemoryCluster, broker: SimulatedBroker): void {
  storage.watch(TRIGGERS, ({ type, object }) => {
    const { name, namespace, generation = 1, uid = '' } = object.metadata;
    if (type === 'DELETED') {
      broker.unbind(uid);
      return;
    }
    // That of an older installation brings its calls past the door, and is not simulated.
    if (!isOwnTrigger(object as KnativeObject) || object['status']?.observedGeneration === generation) {
      return;
    }
    const where = `Trigger ${name} ${generation}`;
    const isSlow = simulation.fails('the Trigger is not ready for long', where, 0.05);
    const isCurrent = () => {
      const current = storage.get(TRIGGERS, namespace, name);
      return current?.metadata.uid === uid && current.metadata.generation === generation;
    };
    simulation.after(simulation.between(`bound ${where}`, 50, isSlow ? 3 * MINUTE : 5 * SECOND), () => {
      if (isCurrent()) {
        broker.bind(uid, subscriptionOf(object as KnativeObject));
      }
      simulation.after(simulation.between(`ready ${where}`, 10, SECOND), () => {
        if (isCurrent()) {
          const conditions = [{ type: 'Ready', status: 'True' }];
          storage.updateStatus(TRIGGERS, namespace, name, { observedGeneration: generation, conditions });
        }
      });
    });
  });
}
