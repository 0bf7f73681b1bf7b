/** Records a run, so that it can be judged when it has settled: what was asked, answered and refused. */
import { terminalEvent, terminalIdOfRequest } from '#shared/builds/terminal-event.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { deriveId } from '#shared/events/event.ts';
import type { Identity } from '#shared/events/identity.ts';
import type { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import type { Delivery, Message, Witness } from './broker.ts';
import { CallLedger } from './call-ledger.ts';
import { isHostile } from './hostile.ts';
import type { SimulatedProcess } from './process.ts';
import { TEMPORARY_BUCKET } from './settings.ts';
import type { Subscription } from './subscriptions.ts';

export interface Request {
  /** The id of the build.start. */
  id: string;
  /** Of its chain. */
  correlation: string;
  /** The id of its terminal event where it joins no other request's build. */
  own: string;
  identity: Identity;
  /** Ids of the terminal events that it was answered with, or that its Job has, each with who said so. */
  ends: Map<string, string>;
}

export interface Ending {
  /** The data of each event with this id. */
  told: BuildComplete[];
}

export interface Deployed extends Identity {
  image_uri: string;
  observed: number;
}

export class Ledger implements Witness {
  /** Keyed by the id of the job.start. */
  readonly requests = new Map<string, Request>();
  readonly endings = new Map<string, Ending>();
  /** Ids of the build.complete events that lifecycle.build.completed was sent for. */
  readonly completed = new Set<string>();
  /**
   * What Services ran, keyed by the id of the build.complete in their annotations, with the newest observed_at that was
   * seen.
   */
  readonly deployed = new Map<string, Deployed>();
  readonly refused: string[] = [];
  /** How often each event was stored. */
  readonly events = new Map<string, number>();

  /** Told of each lifecycle.build.completed: the id and the data of the build.complete that it answers. */
  onCompleted: (id: string, complete: BuildComplete) => void = () => undefined;

  readonly calls: CallLedger;
  readonly #store: InMemoryObjectStore;

  constructor(store: InMemoryObjectStore) {
    this.#store = store;
    this.calls = new CallLedger(store);
  }

  stored(message: Message, subscribed: Subscription[]): void {
    if (!isHostile(message)) {
      this.calls.stored(message, subscribed);
    }
    const { 'ce-type': type, 'ce-id': id = '', 'ce-source': source = '' } = message.headers;
    this.events.set(`${source} ${id}`, (this.events.get(`${source} ${id}`) ?? 0) + 1);
    if (type === 'build.start' && !isHostile(message)) {
      const jobStart = deriveId(source, id, 'job.start');
      const known = this.requests.get(jobStart);
      const own = terminalIdOfRequest({ source, id });
      const identity = dataOf(message) as unknown as Identity;
      const correlation = message.headers['ce-correlationid'] ?? id;
      this.requests.set(jobStart, known ?? { id, correlation, own, identity, ends: new Map() });
    }
    if (type === 'lifecycle.build.started') {
      // replied() usually knows more. This is for an event that sweep sends because the first one was lost.
      const cause = message.headers['ce-causationid'] ?? '';
      const request = this.requests.get(cause) ?? [...this.requests.values()].find((one) => one.id === cause);
      const end = request && this.answered(request);
      if (end) {
        request.ends.set(end, request.ends.get(end) ?? 'told again');
      }
    }
    if (type === 'build.complete' && !isHostile(message)) {
      const ending = this.endings.get(id) ?? { told: [] };
      ending.told.push(dataOf(message) as BuildComplete);
      this.endings.set(id, ending);
    }
  }

  replied(delivery: Delivery, reply: Message, process: SimulatedProcess): void {
    if (isHostile(delivery.message)) {
      const { 'ce-type': type } = reply.headers;
      if (type !== 'event.rejected') {
        this.calls.breaks('forged', `${delivery.label} was answered ${type}`);
      }
      return;
    }
    if (this.calls.replied(delivery, reply, process)) {
      return;
    }
    const cause = delivery.message.headers;
    const { 'ce-type': type, 'ce-id': id = '' } = reply.headers;
    const data = dataOf(reply);
    if (type === 'event.rejected') {
      this.refused.push(`${cause['ce-type']} ${cause['ce-id']}: ${JSON.stringify(data['problems'])}`);
    }
    const asked =
      cause['ce-type'] === 'build.start'
        ? deriveId(cause['ce-source'] ?? '', cause['ce-id'] ?? '', 'job.start')
        : cause['ce-id'];
    const request = this.requests.get(asked ?? '');
    if (request && type === 'build.complete') {
      request.ends.set(id, `answered by ${process.label}`);
    }
    if (request && type === 'lifecycle.build.started') {
      const job = process.seenJobs.get(String(data['job_name']));
      const seen = job && terminalEvent(job, data as unknown as BuildComplete).id;
      const end = this.answered(request) ?? seen ?? 'of a Job that nobody saw';
      request.ends.set(end, `Job ${data['job_name']}, by ${process.label}`);
    }
    if (cause['ce-type'] === 'build.complete') {
      if (type === 'lifecycle.build.completed') {
        this.completed.add(cause['ce-id'] ?? '');
        this.onCompleted(cause['ce-id'] ?? '', dataOf(delivery.message) as BuildComplete);
      }
    }
  }

  /**
   * The end in the recorded outcome: a process that only repeats the answer saw no Job, or another one of that name.
   */
  answered({ own, identity: { third_party_id, parser_id } }: Request): string | undefined {
    const answer = this.#store.peek(TEMPORARY_BUCKET, `answers/${third_party_id}/${parser_id}/${own}.json`);
    return answer && JSON.parse(answer.toString()).end;
  }
}

function dataOf({ body }: Message): Record<string, unknown> {
  return JSON.parse(body.toString() || '{}');
}
