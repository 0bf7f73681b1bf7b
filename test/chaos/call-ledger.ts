/** Records the calls of a run: who was called, what was answered, and how often each call was on its way. */
import { HOUR, MINUTE, SECOND } from '#shared/durations.ts';
import { deriveId } from '#shared/events/event.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import type { Reason } from '#shared/events/reasons.ts';
import { LANE } from '#shared/specs/delivery.ts';
import { contextPrefix, requestPrefix, tombstoneKey } from '#shared/specs/s3-keys.ts';
import type { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import type { Delivery, Message } from './broker.ts';
import type { SimulatedProcess } from './process.ts';
import { TEMPORARY_BUCKET } from './settings.ts';
import type { Subscription } from './subscriptions.ts';
import type { Violation } from './violation.ts';

/** What a parser.complete says of an answer. */
export interface Said {
  succeeded: boolean;
  /** The type of its error. */
  error?: string;
  result?: unknown;
}

export interface Call {
  id: string;
  source: string;
  subject: string;
  identity: Identity;
  body: Buffer;
  /** Requests to the function. */
  made: number;
  /** What the function said, in every request that reached it. */
  said: Said[];
  /** Messages of parser.complete and event.rejected. */
  completed: Message[];
  rejected: Reason[];
  /** How often the door handed it on to another queue. */
  handedOn: number;
  byOlderTrigger: boolean;
  /** How often it was handed on to a queue that was not there. */
  unrouted: number;
  /** Counts of `redeliveries` with which dead-letter sent it again. */
  resent: Set<string>;
  /** What must become of it. Only for calls that are made when nothing fails any more. */
  expected?: 'answered' | Reason;
}

export class CallLedger {
  readonly calls = new Map<string, Call>();
  /** What was seen at once to be wrong. */
  readonly violations: Violation[] = [];
  readonly #store: InMemoryObjectStore;
  #answers = 0;

  constructor(store: InMemoryObjectStore) {
    this.#store = store;
  }

  /** Whoever sends a call says so before the Broker has it. */
  announce(call: Pick<Call, 'id' | 'source' | 'identity' | 'body' | 'expected'>): void {
    const subject = subjectOf(call.identity);
    const none = {
      made: 0,
      said: [],
      completed: [],
      rejected: [],
      handedOn: 0,
      byOlderTrigger: false,
      unrouted: 0,
      resent: new Set<string>(),
    };
    this.calls.set(call.id, { ...call, ...none, subject });
  }

  breaks(invariant: Violation['invariant'], what: string): void {
    if (this.violations.length < 10) {
      this.violations.push({ invariant, what });
    }
  }

  /** No two answers of functions are alike. */
  nextAnswer(): number {
    this.#answers += 1;
    return this.#answers;
  }

  /** Functions whose Trigger somebody has deleted by hand: what is in its queue is gone, and what goes there. */
  readonly deletedByHand = new Set<string>();
  /** Functions with a Trigger of an older installation. It brings them their calls, past the door. */
  readonly olderTriggers = new Set<string>();

  stored(message: Message, subscribed: Subscription[]): void {
    const { headers } = message;
    switch (headers['ce-type']) {
      case 'parser.complete': {
        const call = this.calls.get(headers['ce-causationid'] ?? '');
        if (call) {
          call.completed.push(message);
        } else {
          this.breaks('answer', `a parser.complete of ${headers['ce-causationid']}, which nobody sent`);
        }
        break;
      }
      case 'event.rejected': {
        const { event, reason } = JSON.parse(message.body.toString());
        const call = this.calls.get(event.id);
        // Refused was not the call, but what somebody made of it. Were it the call, it would have no outcome.
        if (call && call.source === event.source && reason !== 'Unauthenticated') {
          call.rejected.push(reason);
        }
        break;
      }
      case 'parser.start':
      case 'parser.deliver': {
        const { 'ce-redeliveries': count, 'ce-id': id = '' } = headers;
        if (count !== undefined) {
          this.calls.get(id)?.resent.add(`${headers['ce-type']} ${headers[`ce-${LANE}`]} ${count}`);
        }
        const call = this.calls.get(id);
        if (call && subscribed.length === 0) {
          call.unrouted += 1;
        }
        if (call && this.olderTriggers.has(call.subject)) {
          call.byOlderTrigger = true;
        }
        break;
      }
    }
  }

  /** Whether it is about a call. */
  replied({ message: { headers } }: Delivery, reply: Message, process: SimulatedProcess): boolean {
    if (!headers['ce-type']?.startsWith('parser.')) {
      return false;
    }
    const call = this.calls.get(headers['ce-id'] ?? '');
    if (!call) {
      return true;
    }
    if (reply.headers['ce-type'] === 'parser.deliver') {
      call.handedOn += 1;
    }
    if (reply.headers['ce-type'] === 'event.rejected') {
      const { reason } = JSON.parse(reply.body.toString());
      if (reason === 'NoSuchFunction' && this.isBeingBuilt(call.identity, process.began) === true) {
        this.breaks('call', `${call.id} was told NoSuchFunction, but ${call.subject} was being built`);
      }
    }
    return true;
  }

  /**
   * Whether S3 says so for certain to who asks at `time` or later, in milliseconds since the epoch; `perhaps` where it
   * depends on the moment.
   */
  isBeingBuilt(identity: Identity, time: number): boolean | 'perhaps' {
    const deleted = this.deletedAt(identity);
    const written = [...this.#written(requestPrefix(identity)), ...this.#written(contextPrefix(identity))];
    if (written.some((at) => at > deleted && at < time - SECOND && at > time - HOUR + 10 * MINUTE)) {
      return true;
    }
    return written.some((at) => at >= deleted && at > time - HOUR - 10 * MINUTE) && 'perhaps';
  }

  *#written(prefix: string): Iterable<number> {
    for (let after: string | undefined = ''; after !== undefined; ) {
      const { objects, more } = this.#store.page(TEMPORARY_BUCKET, prefix, after);
      yield* objects.map(({ modified }) => modified.getTime());
      after = more ? objects.at(-1)?.key : undefined;
    }
  }

  /** Milliseconds since the epoch. */
  deletedAt(identity: Identity): number {
    const tombstone = this.#store.peek(TEMPORARY_BUCKET, tombstoneKey(identity));
    return tombstone ? Date.parse(JSON.parse(tombstone.toString()).time) : Number.NEGATIVE_INFINITY;
  }
}

export function answerIdOf({ source, id }: Call): string {
  return deriveId(source, id, 'parser.complete');
}
