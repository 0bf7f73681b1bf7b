/** Requests as clients send them, and the one event that ends each: its id is known before it is sent. */
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

const END_OF: Record<RequestType, { type: string; idOf: (id: string) => string }> = {
  'build.start': { type: 'build.complete', idOf: (id) => terminalIdOfRequest({ source: BENCH_SOURCE, id }) },
  'service.delete': {
    type: 'lifecycle.function.deleted',
    idOf: (id) => deriveId(BENCH_SOURCE, id, 'lifecycle.function.deleted'),
  },
};
/** A build may wait for those of all others. */
const PATIENCE_SECONDS = 900;

export class RequestLog {
  readonly sent: Sent[] = [];
  /** By id: every event that ends a request, with all that was said under this id. */
  readonly #ends = new Map<string, { first: Seen; said: Set<string> }>();
  readonly #waiting = new Map<string, (seen: Seen) => void>();

  /** To be told of every event. */
  note(seen: Seen): void {
    const { event } = seen;
    if (Object.values(END_OF).every(({ type }) => type !== event.type)) {
      return;
    }
    const end = this.#ends.get(event.id) ?? { first: seen, said: new Set<string>() };
    end.said.add(saidBy(event));
    this.#ends.set(event.id, end);
    this.#waiting.get(event.id)?.(end.first);
  }

  /** Resolves once the Broker has taken it. */
  async send(target: UnderTest, type: RequestType, identity: Identity, parameters?: object): Promise<Sent> {
    const id = randomUUID();
    const { promise, resolve } = Promise.withResolvers<Seen>();
    this.#waiting.set(END_OF[type].idOf(id), resolve);
    const subject = subjectOf(identity);
    const ended = within(`the end of ${type} ${id} of ${subject}`, promise, PATIENCE_SECONDS);
    // Whoever waits for it hears of it; nobody else has to.
    ended.catch(() => undefined);
    const sent: Sent = { id, type, identity, at: performance.now(), ended };
    this.sent.push(sent);
    await target.send({ id, type, subject, data: { ...identity, ...(parameters ? { parameters } : {}) } });
    return sent;
  }

  /** What breaks `one` of docs/chaos.md: every request has one end, and nothing else was told as an end. */
  brokenEnds(): string[] {
    const expected = new Map(this.sent.map((sent) => [END_OF[sent.type].idOf(sent.id), sent]));
    const missing = [...expected].filter(([id]) => !this.#ends.has(id));
    const strange = [...this.#ends].filter(([id]) => !expected.has(id));
    const contradicted = [...this.#ends].filter(([, { said }]) => said.size > 1);
    return [
      ...missing.map(([, { id, type }]) => `${type} ${id} has no end`),
      ...strange.map(([id, { first }]) => `${first.event.type} ${id} of ${first.event.subject} ends no request`),
      ...contradicted.map(([id, { said }]) => `${id} was told with different words: ${[...said].join(' and ')}`),
    ];
  }
}

function saidBy({ type, subject, data }: SeenEvent): string {
  return JSON.stringify([type, subject, data?.status, data?.reason, data?.image_uri]);
}
