/**
 * Requests as clients send them, and the one event that ends each. Its id is known before the request is sent, unless
 * the request joins the build of another one: then lifecycle.build.started names the Job whose end is its own.
 */
import { randomUUID } from 'node:crypto';
import { terminalIdOfRequest } from '#shared/builds/terminal-event.ts';
import { deriveId } from '#shared/events/event.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { BENCH_SOURCE, type Seen, type SeenEvent, type UnderTest, within } from './under-test.ts';

export type RequestType = 'build.start' | 'service.delete';

export interface Sent {
  id: string;
  type: RequestType;
  identity: Identity;
  /** By performance.now(). */
  at: number;
  ended: Promise<Seen>;
}

interface Followed extends Sent {
  /** Id of the event that ends it alone. */
  own: string;
  /** Ids of those that have ended it. */
  ends: Set<string>;
  resolve: (end: Seen) => void;
}

const OWN_END: Record<RequestType, (id: string) => string> = {
  'build.start': (id) => terminalIdOfRequest({ source: BENCH_SOURCE, id }),
  'service.delete': (id) => deriveId(BENCH_SOURCE, id, 'lifecycle.function.deleted'),
};
const ENDS = ['build.complete', 'lifecycle.function.deleted'];
/** A build may wait for those of all others. */
const PATIENCE_SECONDS = 900;

export class RequestLog {
  readonly #sent: Followed[] = [];
  readonly #byId = new Map<string, Followed>();
  readonly #byOwnEnd = new Map<string, Followed>();
  /** Those that wait for a Job, by its name, and its last end. */
  readonly #ofJob = new Map<string, Set<Followed>>();
  readonly #endOfJob = new Map<string, Seen>();
  /** All that was told as an end, by id, with the words that were said. */
  readonly #told = new Map<string, { event: SeenEvent; words: Set<string> }>();

  get sent(): readonly Sent[] {
    return this.#sent;
  }

  /** To be told of every event. */
  note(seen: Seen): void {
    const { event } = seen;
    const job: string | undefined = event.data?.job_name;
    if (event.type === 'lifecycle.build.started' && job !== undefined) {
      this.#join(this.#byId.get(event.data.correlation_id), job);
    } else if (ENDS.includes(event.type)) {
      const told = this.#told.get(event.id) ?? { event, words: new Set<string>() };
      told.words.add(wordsOf(event));
      this.#told.set(event.id, told);
      end(this.#byOwnEnd.get(event.id), seen);
      if (job !== undefined) {
        this.#endOfJob.set(job, seen);
        for (const request of this.#ofJob.get(job) ?? []) {
          end(request, seen);
        }
        this.#ofJob.delete(job);
      }
    }
  }

  /** The Job may have ended before this is told. */
  #join(request: Followed | undefined, job: string): void {
    const over = this.#endOfJob.get(job);
    if (request && over && over.at > request.at) {
      end(request, over);
    } else if (request && request.ends.size === 0) {
      this.#ofJob.set(job, (this.#ofJob.get(job) ?? new Set()).add(request));
    }
  }

  /** Resolves once the Broker has taken it. */
  async send(target: UnderTest, type: RequestType, identity: Identity, parameters?: object): Promise<Sent> {
    const id = randomUUID();
    const subject = subjectOf(identity);
    const { promise, resolve } = Promise.withResolvers<Seen>();
    const ended = within(`the end of ${type} ${id} of ${subject}`, promise, PATIENCE_SECONDS);
    // Whoever waits for it hears of it; nobody else has to.
    ended.catch(() => undefined);
    const at = performance.now();
    const sent: Followed = { id, type, identity, at, ended, own: OWN_END[type](id), ends: new Set(), resolve };
    this.#sent.push(sent);
    this.#byId.set(id, sent);
    this.#byOwnEnd.set(sent.own, sent);
    await target.send({ id, type, subject, data: { ...identity, ...(parameters ? { parameters } : {}) } });
    return sent;
  }

  /** What breaks `one` of docs/chaos.md: every request has one end, and nothing else was told as an end. */
  brokenEnds(): string[] {
    const counted = this.#sent.filter(({ ends }) => ends.size !== 1);
    const strange = [...this.#told].filter(([id]) => !this.#byOwnEnd.has(id));
    const contradicted = [...this.#told].filter(([, { words }]) => words.size > 1);
    return [
      ...counted.map(({ type, id, ends }) => `${type} ${id} has ${ends.size} ends: ${[...ends].join(', ') || 'none'}`),
      ...strange.map(([id, { event }]) => `${event.type} ${id} of ${event.subject} ends no request`),
      ...contradicted.map(([id, { words }]) => `${id} was told with different words: ${[...words].join(' and ')}`),
    ];
  }
}

function end(request: Followed | undefined, seen: Seen): void {
  request?.ends.add(seen.event.id);
  request?.resolve(seen);
}

function wordsOf({ type, subject, data }: SeenEvent): string {
  return JSON.stringify([type, subject, data?.status, data?.reason, data?.image_uri]);
}
