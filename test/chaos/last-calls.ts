/** When everything has settled, each function is called once more: now its outcome is certain. */
import type { KnativeObject } from '#shared/clients/cluster.ts';
import type { Identity } from '#shared/events/identity.ts';
import { deliveryOf } from '#shared/specs/delivery.ts';
import { functionName } from '#shared/specs/names.ts';
import { FUNCTIONS_NAMESPACE, type InMemoryCluster, SERVICES } from '#test/fakes/cluster.ts';
import type { Call, CallLedger } from './call-ledger.ts';
import { type Address, callMessage, sourceOf } from './clients.ts';
import type { Door } from './door.ts';
import { SimulatedProcess } from './process.ts';
import type { Simulation } from './simulation.ts';

interface Settled {
  cluster: InMemoryCluster;
  calls: CallLedger;
  address: Address;
  simulation: Simulation;
  door: Door;
}

export function callEach(identities: Identity[], settled: Settled): void {
  const { calls, address, simulation } = settled;
  for (const identity of identities) {
    const name = `last-${identity.parser_id}`;
    const id = address.idOf(name, identity);
    const message = callMessage({ id: name, identity, bySubject: true });
    const expected = outcomeOf(identity, settled);
    calls.announce({ id, identity, source: sourceOf(identity), body: message.body, ...(expected ? { expected } : {}) });
    void address.send(new SimulatedProcess(`client ${name}`, simulation), message, identity);
  }
}

function outcomeOf(identity: Identity, { cluster, calls, door }: Settled): Call['expected'] {
  const service = cluster.storage.get(SERVICES, FUNCTIONS_NAMESPACE, functionName(identity));
  if (service) {
    return deliveryOf(service as KnativeObject) ? 'answered' : undefined;
  }
  const isBeingBuilt = calls.isBeingBuilt(identity, Date.now());
  if (isBeingBuilt === false) {
    return 'NoSuchFunction';
  }
  // Where there are several pods, none knows that the last try is the last: then the Broker keeps a dead letter.
  return isBeingBuilt === true && door.pods.length === 1 ? 'FunctionNotReady' : undefined;
}
