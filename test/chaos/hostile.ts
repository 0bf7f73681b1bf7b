/**
 * Whoever reaches the Broker and means harm: sends what nobody signed, what was signed for another event, by another
 * key or too long ago, and what it has seen, changed by one byte. Only where events have to be signed.
 */
import { MINUTE } from '#shared/durations.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import type { SigningKeys } from '#shared/events/signature.ts';
import { signHeaders } from '#shared/runtime/signing.ts';
import type { Message, SimulatedBroker } from './broker.ts';
import type { CallLedger } from './call-ledger.ts';
import { askGateway } from './functions.ts';
import { SimulatedProcess } from './process.ts';
import type { Simulation } from './simulation.ts';

const EVIL = 'evil';
/** On what keeps the id of another event. Nobody reads it. */
const MARK = 'ce-evil';
/** Its key has the name of ours. */
const strangeKeys = ({ current }: SigningKeys): SigningKeys => ({
  current: { id: current.id, secret: Buffer.alloc(32, 13) },
});

/** Whether somebody who means harm sent it, or it came of that. */
export function isHostile({ headers }: Message): boolean {
  return (
    headers[MARK] !== undefined || [headers['ce-id'], headers['ce-causationid']].some((id) => id?.startsWith(EVIL))
  );
}

export function startHostile(
  simulation: Simulation,
  { broker, calls, keys }: { broker: SimulatedBroker; calls: CallLedger; keys: SigningKeys },
  identities: Identity[],
): void {
  const count = identities.length === 0 ? 0 : Math.floor(simulation.roll('hostile') * 8);
  for (let n = 1; n <= count; n++) {
    simulation.after(simulation.roll(`hostile at ${n}`) * 12 * MINUTE, () => attack(n));
  }

  function attack(n: number): void {
    const victim = simulation.pick(`hostile whom ${n}`, identities);
    const message = forged(`${EVIL}-${n}`, victim, n);
    const how = simulation.pick(`hostile how ${n}`, [
      'unsigned',
      'other key',
      'other tenant',
      'changed',
      'gateway',
    ] as const);
    simulation.trace(() => `${how}: ${message.headers['ce-type']} of ${subjectOf(victim)}`);
    switch (how) {
      case 'unsigned':
        broker.store(message);
        return;
      case 'other key':
        signHeaders(message.headers, message.body, strangeKeys(keys));
        broker.store(message);
        return;
      case 'other tenant':
        signHeaders(message.headers, message.body, keys, { tenant: 'mallory' });
        broker.store(message);
        return;
      case 'changed':
        changeSeen(n);
        return;
      default:
        void byGateway(message, n);
    }
  }

  /** The signature of an event of a tenant, on other data. */
  function changeSeen(n: number): void {
    const seen = broker.deliveries.filter(({ message: { headers } }) => headers['ce-kauth'] !== undefined);
    if (seen.length === 0) {
      return;
    }
    const { message } = simulation.pick(`hostile what ${n}`, seen);
    const body = Buffer.from(JSON.stringify({ ...JSON.parse(message.body.toString() || '{}'), evil: n }));
    broker.store({ headers: { ...message.headers, [MARK]: String(n) }, body });
  }

  /** With a token of a tenant that may say nothing of the victim. */
  async function byGateway(message: Message, n: number): Promise<void> {
    const process = new SimulatedProcess(`hostile client ${n}`, simulation);
    const { statusCode } = await askGateway({ broker: () => broker }, message, 'mallory', process);
    if (statusCode < 400) {
      calls.breaks('forged', `the gateway took ${message.headers['ce-type']} of another tenant`);
    }
  }

  function forged(id: string, victim: Identity, n: number): Message {
    const types = ['service.delete', 'build.start', 'parser.start', 'parser.deliver', 'build.complete'] as const;
    const type = simulation.pick(`hostile type ${n}`, types);
    const data =
      type === 'build.complete'
        ? { ...victim, status: 'failed', reason: 'BuildFailed', error_message: 'invented', job_name: 'none' }
        : { ...victim, ...(type === 'build.start' ? { force: true } : {}) };
    return {
      headers: {
        'ce-specversion': '1.0',
        'ce-id': id,
        'ce-source': 'hostile',
        'ce-type': type,
        'ce-subject': subjectOf(victim),
        ...(type === 'parser.deliver' ? { 'ce-deliverylane': 'overflow' } : {}),
        'ce-time': new Date().toISOString(),
        'content-type': 'application/json',
      },
      body: Buffer.from(JSON.stringify(data)),
    };
  }
}
