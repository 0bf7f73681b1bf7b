/** dead-letter: keeps, in S3, what a function refused and what could not be delivered, so that a person can see and mend it. */
import * as z from 'zod';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { deriveId, type ReceivedEvent } from '#shared/events/event.ts';
import { classifyDelivery } from './classify-delivery.ts';

export interface DeadLetterDependencies {
  store: Pick<ObjectStore, 'write'>;
  temporaryBucket: string;
  now: () => Date;
}

/** One object under `dead-letters/`. */
export interface DeadLetter {
  id: string;
  /** In structured form: the original of a refused event, else the event as it came. */
  event: Record<string, unknown>;
  /** Permanent: sending it again cannot help before somebody changes something. */
  category: 'permanent' | 'transient';
  reason: string;
  problems?: unknown[];
  /** What the subscriber answered at last; -1 where it answered nothing. */
  code?: number;
  /** The subscriber's address. */
  destination?: string;
  received_at: string;
}

// Anybody can send an event.rejected, so it may be anything; what is not as expected is kept as it came.
const rejection = z.object({
  event: z.record(z.string(), z.unknown()),
  reason: z.string(),
  problems: z.array(z.unknown()).default([]),
});

/** Never refuses and never replies: what it refused would come back to it. */
export async function keepDeadLetter(event: ReceivedEvent<unknown>, deps: DeadLetterDependencies): Promise<undefined> {
  const letter = describe(event, deps.now());
  const key = `dead-letters/${dayOf(event.time, deps.now())}/${letter.id}.json`;
  await deps.store.write(deps.temporaryBucket, key, `${JSON.stringify(letter, undefined, 2)}\n`, 'application/json');
}

function describe(event: ReceivedEvent<unknown>, now: Date): DeadLetter {
  const received_at = now.toISOString();
  const destination = event.original['knativeerrordest'];
  const refused = event.type === 'event.rejected' ? rejection.safeParse(event.data).data : undefined;
  if (refused && destination === undefined) {
    return { id: deriveId(event.source, event.id), category: 'permanent', ...refused, received_at };
  }
  const code = Number(event.original['knativeerrorcode'] ?? Number.NaN);
  return {
    // The same event can fail at several subscribers: each is a letter of its own.
    id: deriveId(event.source, event.id, String(destination ?? '')),
    event: event.original.toJSON(),
    ...classifyDelivery(code),
    ...(Number.isNaN(code) ? {} : { code }),
    ...(destination === undefined ? {} : { destination: String(destination) }),
    received_at,
  };
}

/** By the event's own time where it tells one, so that a redelivery after midnight finds the same object. */
function dayOf(time: string | undefined, now: Date): string {
  const told = new Date(time ?? Number.NaN);
  // Brokers say year 1 where the sender said nothing.
  const usable = told.getUTCFullYear() >= 2000 && told <= now;
  return (usable ? told : now).toISOString().slice(0, 10);
}
