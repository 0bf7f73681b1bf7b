/** Users' functions, as the door reaches them: through Knative, which says things of its own, and with every answer. */
import type { CallFunction, CallLimits, CallResult, OutgoingCall } from '#functions/parser-events/call-function.ts';
import type { CallLane } from '#functions/parser-events/places.ts';
import type { KnativeObject } from '#shared/clients/cluster.ts';
import { SECOND } from '#shared/durations.ts';
import { deliveryOf, LANE } from '#shared/specs/delivery.ts';
import { functionName } from '#shared/specs/names.ts';
import { FUNCTIONS_NAMESPACE, type InMemoryCluster, SERVICES } from '#test/fakes/cluster.ts';
import type { Call, CallLedger, Said } from './call-ledger.ts';
import { type DoorPod, PLACES_PER_TENANT } from './door.ts';
import type { SimulatedProcess } from './process.ts';
import type { Simulation } from './simulation.ts';

/** Who calls. */
export interface Caller {
  process: SimulatedProcess;
  pod: DoorPod;
  lane: CallLane;
}

interface Given {
  caller: Caller;
  call: Call;
  name: string;
  limits: CallLimits;
  /** Names this call in rolls. */
  where: string;
}

interface Behaviour {
  /** Milliseconds. */
  took: number;
  result: CallResult;
  /** Undefined where nobody can know whether the function has answered. */
  said: Said | undefined;
}

export class UserFunctions {
  readonly #simulation: Simulation;
  readonly #cluster: InMemoryCluster;
  readonly #ledger: CallLedger;
  /** The most calls at once that a function's pods could ever take. */
  readonly #capacity = new Map<string, number>();
  readonly #goneAt = new Map<string, number>();

  constructor(simulation: Simulation, cluster: InMemoryCluster, ledger: CallLedger) {
    this.#simulation = simulation;
    this.#cluster = cluster;
    this.#ledger = ledger;
    cluster.storage.watch(SERVICES, ({ type, object }) => {
      const { name } = object.metadata;
      if (type === 'DELETED' || object.metadata.deletionTimestamp) {
        this.#goneAt.set(name, simulation.now);
      }
      const { containerConcurrency } = object['spec'].template.spec;
      const max = Number(object['spec'].template.metadata.annotations['autoscaling.knative.dev/max-scale']);
      this.#capacity.set(name, Math.max(this.#capacity.get(name) ?? 0, (containerConcurrency || 100) * max));
    });
  }

  /** The door's dependency. */
  caller(caller: Caller): CallFunction {
    return (url, sent, limits) => this.#call(caller, url, sent, limits);
  }

  async #call(caller: Caller, url: string, sent: OutgoingCall, limits: CallLimits): Promise<CallResult> {
    const name = new URL(url).hostname.split('.')[0] ?? '';
    const call = this.#ledger.calls.get(sent.headers['ce-id'] ?? '');
    if (!call) {
      this.#ledger.breaks('reach', `${name} was called by ${sent.headers['ce-id']}, which nobody sent`);
      return answered(500, 'text/plain', 'who?');
    }
    this.#check(caller, call, name, sent);
    const { ofFunction, ofTenant, end } = caller.pod.begin(caller.lane, call.identity);
    if (ofFunction > (this.#capacity.get(name) ?? 0) || (ofTenant > PLACES_PER_TENANT && caller.lane !== 'own')) {
      this.#ledger.breaks(
        'places',
        `${ofFunction} calls of ${name}, ${ofTenant} of its tenant at once: ${caller.lane}`,
      );
    }
    call.made += 1;
    const result = await this.#reach({ caller, call, name, limits, where: `${name} ${call.id}#${call.made}` });
    end();
    this.#simulation.trace(
      () => `   ${caller.process.label}: ${name} ${result.kind === 'answered' ? result.status : result.kind}`,
    );
    if (result.kind === 'broken' || BY_KNATIVE.has(result)) {
      caller.pod.unreached.set(caller.process, name);
    }
    return result;
  }

  #check({ process, pod }: Caller, call: Call, name: string, { headers, body }: OutgoingCall): void {
    const service = this.#service(name);
    const broke = pod.broken.get(name) ?? 0;
    const wrong = [
      name === functionName(call.identity) ? '' : `of ${call.subject}`,
      headers['ce-subject'] === call.subject ? '' : `with the subject ${headers['ce-subject']}`,
      headers['ce-source'] === call.source ? '' : `from ${headers['ce-source']}`,
      headers['ce-type'] === 'parser.start' ? '' : `as ${headers['ce-type']}`,
      headers[`ce-${LANE}`] === undefined ? '' : 'with the lane that it came by',
      body.equals(call.body) ? '' : `with ${body} for ${call.body}`,
      service && !deliveryOf(service) ? 'which its own Trigger brings it' : '',
      // What is younger than a second is kept: functions/parser-events/find-function.ts.
      process.began > broke && (pod.asked.get(name) ?? 0) < broke - SECOND ? 'again, by what was known before' : '',
    ].filter(Boolean);
    if (wrong.length > 0) {
      this.#ledger.breaks('reach', `${name} was called by ${call.id}, ${wrong.join(', ')}`);
    }
  }

  async #reach(given: Given): Promise<CallResult> {
    const { caller, call, name, where } = given;
    const simulation = this.#simulation;
    await caller.process.work('call', simulation.between(`reach ${where}`, 1, 30));
    const service = this.#service(name);
    if (!service) {
      // Its pods end before the ingress has forgotten it.
      const isForgotten = simulation.now - (this.#goneAt.get(name) ?? 0) > 1.1 * SECOND;
      return isForgotten && simulation.roll(`gone ${where}`) < 0.7
        ? answered(404, undefined, '')
        : broken('connect ECONNREFUSED');
    }
    const refusal = this.#refusal(service, where);
    if (refusal) {
      return refusal;
    }
    const { took, result, said } = this.#behave(given, service);
    await caller.process.work('answer', took);
    const later = this.#service(name);
    const isReplaced =
      later?.metadata.uid !== service.metadata.uid || later?.metadata.generation !== generationOf(service);
    if (isReplaced && simulation.roll(`ends with its pod ${where}`) < 0.5) {
      return byKnative(502, undefined, 'EOF');
    }
    if (said) {
      call.said.push(said);
    }
    return result;
  }

  /** By Knative, or on the way. */
  #refusal(service: KnativeObject, where: string): CallResult | undefined {
    const simulation = this.#simulation;
    if (!service.status?.latestReadyRevisionName) {
      return byKnative(503, 'text/plain', 'no healthy upstream');
    }
    if (simulation.fails('the activator has no pod in time', where, 0.03)) {
      return byKnative(503, 'text/plain; charset=utf-8', 'activator overload\n');
    }
    if (simulation.fails('queue-proxy does not reach the function', where, 0.02)) {
      return byKnative(502, undefined, 'dial tcp 127.0.0.1:8080: connect: connection refused\n');
    }
    return simulation.fails('the connection is refused', where, 0.03) ? broken('connect ECONNREFUSED') : undefined;
  }

  #behave({ name, limits, where }: Given, service: KnativeObject): Behaviour {
    const simulation = this.#simulation;
    const took = simulation.between(`took ${where}`, 1, SECOND);
    const n = this.#ledger.nextAnswer();
    if (
      simulation.fails('the function always hangs', name, 0.05) ||
      simulation.fails('the function hangs', where, 0.02)
    ) {
      const isCut = simulation.roll(`cut ${where}`) < 0.5;
      const seconds = service.spec?.template.spec.timeoutSeconds;
      return {
        took: isCut ? seconds * SECOND : limits.milliseconds,
        result: isCut ? answered(504, 'text/plain', 'request timeout') : { kind: 'too slow' },
        said: { succeeded: false, error: 'Timeout' },
      };
    }
    if (simulation.fails('the function breaks in mid-answer', where, 0.03)) {
      return { took, result: { kind: 'broken', began: true, detail: 'aborted' }, said: undefined };
    }
    if (simulation.fails('the answer is too large', where, 0.02)) {
      return { took, result: { kind: 'too large' }, said: BAD };
    }
    if (simulation.fails('the function answers 4xx or 5xx', where, 0.06)) {
      const status = simulation.pick(`status ${where}`, [400, 404, 409, 429, 500, 503]);
      return { took, result: answered(status, 'application/json', '{"message":"no"}'), said: BAD };
    }
    if (simulation.fails('the function answers with an event of another type', where, 0.04)) {
      const type = simulation.pick(`type ${where}`, ['service.delete', 'build.start', 'event.rejected']);
      return { took, result: eventAnswer(type, { succeeded: true, result: n }), said: BAD };
    }
    if (simulation.fails('the function says that it failed', where, 0.04)) {
      const error = { type: 'ParseError', message: 'no' };
      const data = { succeeded: false, error };
      return { took, result: eventAnswer('parser.complete', data), said: { succeeded: false, error: error.type } };
    }
    const isSlow = simulation.fails('the function is slow', where, 0.05);
    const result =
      simulation.roll(`answers by ${where}`) < 0.5
        ? answered(200, 'application/json', JSON.stringify(n))
        : // Its id, source and subject are another call's: the door must take the data alone.
          eventAnswer('parser.complete', { succeeded: true, result: n });
    const slow = simulation.between(`slowly ${where}`, SECOND, 15 * SECOND);
    return { took: isSlow ? slow : took, result, said: { succeeded: true, result: n } };
  }

  #service(name: string): KnativeObject | undefined {
    const service = this.#cluster.storage.get(SERVICES, FUNCTIONS_NAMESPACE, name);
    return service?.metadata.deletionTimestamp ? undefined : (service as KnativeObject | undefined);
  }
}

const BAD: Said = { succeeded: false, error: 'BadReply' };

function generationOf({ metadata }: KnativeObject): number | undefined {
  return (metadata as { generation?: number }).generation;
}

function answered(status: number, contentType: string | undefined, body: string): CallResult {
  const headers = contentType === undefined ? {} : { 'content-type': contentType };
  return { kind: 'answered', status, headers, body: Buffer.from(body) };
}

const BY_KNATIVE = new WeakSet<CallResult>();

function byKnative(...given: Parameters<typeof answered>): CallResult {
  const result = answered(...given);
  BY_KNATIVE.add(result);
  return result;
}

function broken(detail: string): CallResult {
  return { kind: 'broken', began: false, detail };
}

function eventAnswer(type: string, data: object): CallResult {
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': 'forged',
    'ce-source': 'knative-lambda/functions/victim/p1',
    'ce-subject': 'victim/p1',
    'ce-type': type,
    'content-type': 'application/json',
  };
  return { kind: 'answered', status: 200, headers, body: Buffer.from(JSON.stringify(data)) };
}
