/** The clients of a run: they carry out its plan. */

import { MINUTE, SECOND } from '#shared/durations.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { functionName } from '#shared/specs/names.ts';
import { FUNCTIONS_NAMESPACE, type InMemoryCluster, TRIGGERS } from '#test/fakes/cluster.ts';
import type { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import type { Message, SimulatedBroker } from './broker.ts';
import type { CallLedger } from './call-ledger.ts';
import { askGateway } from './functions.ts';
import type { Operation } from './plan.ts';
import { SimulatedProcess } from './process.ts';
import { SOURCE_BUCKET } from './settings.ts';
import type { Simulation } from './simulation.ts';

/** How often a client asks until it is accepted. */
const ATTEMPTS = 20;

interface Reached {
  store: InMemoryObjectStore;
  cluster: InMemoryCluster;
  calls: CallLedger;
  address: Address;
}

/** Where clients send to: the gateway where events have to be signed, else the Broker. */
export interface Address {
  /** The id that the event has from then on. */
  idOf(id: string, identity: Identity): string;
  /** Rejects where the client has to send it again. */
  send(process: SimulatedProcess, message: Message, identity: Identity): Promise<void>;
}

export function brokerAddress(broker: SimulatedBroker): Address {
  return { idOf: (id) => id, send: (process, message) => broker.post(process, message) };
}

export function gatewayAddress(broker: SimulatedBroker, calls: CallLedger): Address {
  return {
    idOf: (id, { third_party_id }) => `${third_party_id}.${id}`,
    send: async (process, message, { third_party_id }) => {
      const { statusCode, body } = await askGateway({ broker: () => broker }, message, third_party_id, process);
      if (statusCode >= 500 || statusCode === 429) {
        throw new Error(String(body));
      }
      if (statusCode !== 202) {
        calls.breaks('forged', `the gateway refused ${message.headers['ce-id']} of ${third_party_id}: ${body}`);
      }
    },
  };
}

export function startClients(
  simulation: Simulation,
  { store, cluster, calls, address }: Reached,
  operations: Operation[],
): void {
  for (const operation of operations) {
    simulation.after(operation.at, () => perform(operation));
  }

  function perform(operation: Operation): void {
    const { identity } = operation;
    if (operation.do === 'upload') {
      simulation.trace(() => `upload ${subjectOf(identity)} version ${operation.version}`);
      const { version } = operation;
      // Most new versions differ in their code alone.
      for (const [file, content] of [
        ['package.json', Math.floor(version / 4)],
        ['parser.mjs', version],
      ]) {
        store.put(SOURCE_BUCKET, `global/parser/${identity.parser_id}/${file}`, `${file} ${content}`);
      }
      return;
    }
    if (operation.do === 'delete Trigger') {
      simulation.trace(() => `the Trigger of ${subjectOf(identity)} is deleted by hand`);
      calls.deletedByHand.add(subjectOf(identity));
      cluster.storage.remove(TRIGGERS, FUNCTIONS_NAMESPACE, functionName(identity), {});
      return;
    }
    if (operation.do === 'call') {
      const message = callMessage(operation);
      const id = address.idOf(operation.id, identity);
      calls.announce({ ...operation, id, source: sourceOf(identity), body: message.body });
      send(operation, message, operation.twice);
      return;
    }
    const data = operation.do === 'start' ? operation.data : identity;
    const headers: Record<string, string> = {
      'ce-specversion': '1.0',
      'ce-id': operation.id,
      'ce-source': sourceOf(identity),
      'ce-type': operation.do === 'start' ? 'build.start' : 'service.delete',
      'ce-subject': subjectOf(identity),
      'ce-time': operation.do === 'start' && !operation.timed ? '0001-01-01T00:00:00Z' : new Date().toISOString(),
      'content-type': 'application/json',
    };
    const message = { headers, body: Buffer.from(JSON.stringify(data)) };
    send(operation, message, operation.do === 'start' && operation.twice);
  }

  function send({ id, identity }: { id: string; identity: Identity }, message: Message, twice: boolean): void {
    void ask(message, identity, '');
    if (twice) {
      simulation.after(simulation.roll(`again ${id}`) ** 2 * 5 * MINUTE, () => void ask(message, identity, ' again'));
    }
  }

  /** Sends the event until it is accepted. */
  async function ask(message: Message, identity: Identity, time: string): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const client = new SimulatedProcess(`client ${message.headers['ce-id']}${time}#${attempt}`, simulation);
      try {
        await Promise.race([address.send(client, message, identity), client.died]);
        if (client.alive) {
          return;
        }
      } catch {
        await simulation.sleep(SECOND);
      }
    }
  }
}

export function sourceOf({ third_party_id }: Identity): string {
  return `network.notifi.${third_party_id}`;
}

/** A number that JavaScript cannot keep: the function must get it as it was sent. */
const LONG_NUMBER = '12345678901234567890';

/** By its subject, or by its data. Where the subject names the function, the data is the user's own. */
export function callMessage({
  id,
  identity,
  bySubject,
}: {
  id: string;
  identity: Identity;
  bySubject: boolean;
}): Message {
  const ids = bySubject ? { third_party_id: 'somebody', parser_id: 'else' } : identity;
  return {
    headers: {
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': sourceOf(identity),
      'ce-type': 'parser.start',
      ...(bySubject ? { 'ce-subject': subjectOf(identity) } : {}),
      'ce-time': new Date().toISOString(),
      'content-type': 'application/json',
    },
    body: Buffer.from(`{"n":${LONG_NUMBER},"context_id":${JSON.stringify(id)},${JSON.stringify(ids).slice(1)}`),
  };
}
