/** What people do during a run: upload, ask for builds, delete; at random moments, several at once, twice. */
import type { Identity } from '#shared/events/identity.ts';
import { subjectOf } from '#shared/events/identity.ts';
import { functionName } from '#shared/specs/names.ts';
import { FUNCTIONS_NAMESPACE, type InMemoryCluster, TRIGGERS } from '#test/fakes/cluster.ts';
import type { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import type { SimulatedBroker } from './broker.ts';
import { SimulatedProcess } from './process.ts';
import { SOURCE_BUCKET } from './settings.ts';
import { MINUTE, SECOND, type Simulation } from './simulation.ts';

export type Operation = { at: number } & (
  | { do: 'upload'; identity: Identity; version: number }
  | { do: 'start'; identity: Identity; id: string; data: Record<string, unknown>; timed: boolean; twice: boolean }
  | { do: 'delete'; identity: Identity; id: string }
  /** `kubectl delete trigger`, by a person. */
  | { do: 'delete Trigger'; identity: Identity; id: string }
);

/** All of them happen while things fail. */
const BUSY = 10 * MINUTE;
const ASKED_AGAIN = 20;

/** A function of the seed alone. */
export function plan(simulation: Simulation): Operation[] {
  const roll = (name: string) => simulation.roll(`plan ${name}`);
  const tenants = 1 + Math.floor(roll('tenants') * 3);
  const identities: Identity[] = [];
  for (let tenant = 1; tenant <= tenants; tenant++) {
    for (let parser = 1; parser <= 1 + Math.floor(roll(`parsers ${tenant}`) * 3); parser++) {
      identities.push({ third_party_id: `t${tenant}`, parser_id: `t${tenant}p${parser}` });
    }
  }
  // Races are where builds are close together.
  const span = roll('span') < 0.5 ? BUSY : roll('close') < 0.5 ? 20 * SECOND : 2 * SECOND;
  const operations: Operation[] = identities.map((identity) => ({ at: 0, do: 'upload', identity, version: 0 }));
  // Whoever looks a moment later finds another one first in the line.
  const lateIsUrgent = roll('urgent') < 0.3;
  const count = 3 + Math.floor(roll('count') * 10);
  for (let index = 1; index <= count; index++) {
    const chance = roll(`do ${index}`);
    const identity = simulation.pick(`plan whose ${index}`, identities);
    const at = SECOND + roll(`at ${index}`) * span;
    if (roll(`by hand ${index}`) < 0.05) {
      operations.push({ at: at + MINUTE, do: 'delete Trigger', identity, id: `by-hand-${index}` });
    }
    if (chance < 0.2) {
      operations.push({ at, do: 'upload', identity, version: index });
    } else if (chance < 0.35) {
      operations.push({ at, do: 'delete', identity, id: `delete-${index}` });
      // Whoever wants it anew asks for it at once.
      if (roll(`anew ${index}`) < 0.4) {
        const moment = at + roll(`moment ${index}`) * 6 * SECOND;
        const data = { ...identity };
        operations.push({ at: moment, do: 'start', identity, id: `anew-${index}`, data, timed: true, twice: false });
      }
    } else {
      const together = roll(`together ${index}`) < 0.2 ? 3 : 1;
      for (let copy = 1; copy <= together; copy++) {
        const name = `start-${index}-${copy}`;
        const data: Record<string, unknown> = { ...identity };
        if (roll(`force ${name}`) < 0.25) {
          data['force'] = true;
        }
        if (lateIsUrgent) {
          data['priority'] = Math.max(1, 10 - Math.floor((10 * at) / (span + SECOND)));
        } else if (roll(`priority ${name}`) < 0.3) {
          data['priority'] = 1 + Math.floor(roll(`which ${name}`) * 10);
        }
        if (roll(`parameters ${name}`) < 0.3) {
          data['parameters'] = { env: { MODE: String(index) } };
        }
        const moment = at + roll(`moment ${name}`) * 2 * SECOND;
        const timed = roll(`timed ${name}`) < 0.7;
        const twice = roll(`twice ${name}`) < 0.1;
        operations.push({ at: moment, do: 'start', identity, id: name, data, timed, twice });
      }
    }
  }
  return operations.sort((a, b) => a.at - b.at);
}

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

  /** Until it is accepted, as clients do. */
  async function ask(message: { headers: Record<string, string>; body: Buffer }): Promise<void> {
    for (let attempt = 1; attempt <= ASKED_AGAIN; attempt++) {
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
