/** Letters in a store, a Broker that notes what it gets, and a clock that sleeping moves. */

import { replayOrPurge } from '#functions/dead-letter-replay/handler.ts';
import type { RawEvent } from '#shared/clients/broker.ts';
import { createLetterBox } from '#shared/dead-letters/letter-box.ts';
import { isOpen, type LetterPlace } from '#shared/dead-letters/place.ts';
import { deadLetterPurgeSchema, deadLetterReplaySchema } from '#shared/events/dead-letter.ts';
import type { NewEvent } from '#shared/events/event.ts';
import type { EventClaims } from '#shared/events/signature.ts';
import type { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { received } from '#test/fakes/received.ts';
import { type Steps, stepped } from '#test/fakes/stepped.ts';

export class ReplayWorld {
  readonly sent: RawEvent[] = [];
  /** For whom each was signed. */
  readonly signedFor: (EventClaims | undefined)[] = [];
  /** Milliseconds on the clock when each was sent. */
  readonly times: number[] = [];
  readonly store: InMemoryObjectStore;
  onPublish: (event: RawEvent) => Promise<void> = async () => {};
  clock = Date.parse('2026-01-02T12:00:00Z');
  /** What one call of the Broker takes. */
  publishTakes = 0;

  constructor(store: InMemoryObjectStore) {
    this.store = store;
  }

  /** A letter as dead-letter keeps it. */
  put(n: number, fields: Record<string, unknown> = {}, date = '2026-01-02'): string {
    const id = n.toString(16).padStart(32, '0');
    const letter = {
      id,
      event: { specversion: '1.0', id: `event-${n}`, source: 'test', type: 'parser.start', data: { n } },
      raw: {
        headers: { 'ce-id': `event-${n}`, 'ce-knativeerrorcode': '500', 'content-type': 'application/json' },
        body_base64: Buffer.from(`{"n":${n}}`).toString('base64'),
      },
      category: 'transient',
      reason: 'Unavailable',
      count: 1,
      first_at: '2026-01-02T10:00:00Z',
      last_at: '2026-01-02T10:00:00Z',
      ...fields,
    };
    this.store.put('tmp', `dead-letters/${date}/${id}.json`, JSON.stringify(letter));
    return id;
  }

  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what a test is about.
  async replay(order: Record<string, unknown> = { all: true }, steps?: Steps): Promise<any> {
    return this.#order(received('dead-letter.replay', deadLetterReplaySchema.parse(order)), steps);
  }

  // biome-ignore lint/suspicious/noExplicitAny: see above.
  async purge(order: Record<string, unknown> = { all: true }): Promise<any> {
    return this.#order(received('dead-letter.purge', deadLetterPurgeSchema.parse(order)));
  }

  async #order(event: Parameters<typeof replayOrPurge>[0], steps: Steps = { calls: [] }): Promise<unknown> {
    const broker = {
      publish: async (sent: RawEvent, claims?: EventClaims) => {
        this.signedFor.push(claims);
        this.clock += this.publishTakes;
        await this.onPublish(sent);
        this.sent.push(sent);
        this.times.push(this.clock);
      },
    };
    const reply: NewEvent = await replayOrPurge(event, {
      box: createLetterBox(stepped(this.store, steps), 'tmp'),
      broker: stepped(broker, steps),
      now: () => new Date(this.clock),
      sleep: async (milliseconds) => {
        this.clock += milliseconds;
      },
    });
    return reply.data;
  }

  async open(): Promise<LetterPlace[]> {
    const places: LetterPlace[] = [];
    for await (const place of createLetterBox(this.store, 'tmp').places()) {
      if (isOpen(place)) {
        places.push(place);
      }
    }
    return places;
  }
}
