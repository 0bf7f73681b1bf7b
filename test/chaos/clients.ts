/** The clients of a run: they carry out its plan. */

import { MINUTE, SECOND } from '#shared/durations.ts';
import { subjectOf } from '#shared/events/identity.ts';
import { functionName } from '#shared/specs/names.ts';
import { FUNCTIONS_NAMESPACE, type InMemoryCluster, TRIGGERS } from '#test/fakes/cluster.ts';
import type { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import type { SimulatedBroker } from './broker.ts';
import type { Operation } from './plan.ts';
import { SimulatedProcess } from './process.ts';
import { SOURCE_BUCKET } from './settings.ts';
import type { Simulation } from './simulation.ts';

/** How often a client asks until it is accepted. */
const ATTEMPTS = 20;

export function startClients(
  simulation: Simulation,
  { store, cluster, broker }: { store: InMemoryObjectStore; cluster: InMemoryCluster; broker: SimulatedBroker },
  operations: Operation[],
): void {
  for (const operation of operations) {
    simulation.after(operation.at, () => perform(operation));
  }

  function perform(operation: Operation): void {
    const { identity } = operation;
    if (operation.do === 'upload') {
      simulation.trace(() => `upload ${subjectOf(identity)} version ${operation.version}`);
      for (const file of ['package.json', 'parser.mjs']) {
        store.put(SOURCE_BUCKET, `global/parser/${identity.parser_id}/${file}`, `${file} ${operation.version}`);
      }
      return;
    }
    if (operation.do === 'delete Trigger') {
      simulation.trace(() => `the Trigger of ${subjectOf(identity)} is deleted by hand`);
      cluster.storage.remove(TRIGGERS, FUNCTIONS_NAMESPACE, functionName(identity), {});
      return;
    }
    const data = operation.do === 'start' ? operation.data : identity;
    const headers: Record<string, string> = {
      'ce-specversion': '1.0',
      'ce-id': operation.id,
      'ce-source': `network.notifi.${identity.third_party_id}`,
      'ce-type': operation.do === 'start' ? 'build.start' : 'service.delete',
      'ce-subject': subjectOf(identity),
      'ce-time': operation.do === 'start' && !operation.timed ? '0001-01-01T00:00:00Z' : new Date().toISOString(),
      'content-type': 'application/json',
    };
    const message = { headers, body: Buffer.from(JSON.stringify(data)) };
    void ask(message);
    if (operation.do === 'start' && operation.twice) {
      const later = simulation.roll(`again ${operation.id}`) ** 2 * 5 * MINUTE;
      simulation.after(later, () => broker.store(message));
    }
  }

  /** Sends the event until the Broker accepts it. */
  async function ask(message: { headers: Record<string, string>; body: Buffer }): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const client = new SimulatedProcess(`client ${message.headers['ce-id']}#${attempt}`, simulation);
      try {
        await Promise.race([broker.post(client, message), client.died]);
        if (client.alive) {
          return;
        }
      } catch {
        await simulation.sleep(SECOND);
      }
    }
  }
}
