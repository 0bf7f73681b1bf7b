/** What happened to the objects, in order: delivery to listeners, and a bounded history from which a watch resumes. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';

export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  resource: Resource;
  /** Shared, never to be changed. On DELETED: the last state, at the resourceVersion of the deletion. */
  object: KubeObject;
  /** What the object was before: a watch with a selector needs it, to tell "left my selection" from "changed". */
  previous: KubeObject | undefined;
  version: number;
}

export type ChangeListener = (change: Change) => void;

interface Subscription {
  listener: ChangeListener;
  active: boolean;
}

/**
 * Long enough for any client that reconnects at once; a slower one gets 410 and lists again, as Kubernetes would have
 * it.
 */
const HISTORY = 5000;
/** So that two listeners that keep answering each other do not starve timers and sockets. */
const BURST = 1000;

/**
 * Changes are queued when made and delivered from a microtask, never from inside the write: a writer sees its own write
 * finished before anybody reacts to it, and a listener that writes only makes the queue longer. Hence every listener
 * sees all changes, in the order in which they were made, and no chain of reactions recurses. After {@link BURST}
 * deliveries in a row the event loop gets its turn.
 */
export class ChangeFeed {
  readonly #subscriptions = new Set<Subscription>();
  readonly #queue: { subscription: Subscription; change: Change }[] = [];
  readonly #history: Change[] = [];
  #forgotten: number;
  #scheduled = false;

  /** `version`: of the last change before there was a feed. */
  constructor(version = 0) {
    this.#forgotten = version;
  }

  publish(change: Change): void {
    this.#history.push(change);
    if (this.#history.length > HISTORY * 2) {
      const dropped = this.#history.splice(0, HISTORY);
      this.#forgotten = dropped.at(-1)?.version ?? this.#forgotten;
    }
    for (const subscription of this.#subscriptions) {
      this.#queue.push({ subscription, change });
    }
    this.#schedule();
  }

  /** `first` is delivered before anything that happens from now on, and what happened up to now is not delivered. */
  subscribe(listener: ChangeListener, first: Change[] = []): () => void {
    const subscription = { listener, active: true };
    this.#subscriptions.add(subscription);
    for (const change of first) {
      this.#queue.push({ subscription, change });
    }
    this.#schedule();
    return () => {
      subscription.active = false;
      this.#subscriptions.delete(subscription);
    };
  }

  /** The changes after a version; undefined where they are no longer all known. */
  since(version: number): Change[] | undefined {
    if (version < this.#forgotten) {
      return undefined;
    }
    return this.#history.filter((change) => change.version > version);
  }

  get oldest(): number {
    return this.#forgotten + 1;
  }

  #schedule(): void {
    if (this.#scheduled || this.#queue.length === 0) {
      return;
    }
    this.#scheduled = true;
    queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    for (let delivered = 0; delivered < BURST; ) {
      // Takes all there is at once: what listeners add meanwhile comes next, in its order.
      const batch = this.#queue.splice(0, BURST - delivered);
      if (batch.length === 0) {
        break;
      }
      for (const { subscription, change } of batch) {
        if (subscription.active) {
          call(subscription.listener, change);
        }
      }
      delivered += batch.length;
    }
    this.#scheduled = false;
    if (this.#queue.length === 0) {
      return;
    }
    this.#scheduled = true;
    setImmediate(() => this.#deliver());
  }
}

function call(listener: ChangeListener, change: Change): void {
  try {
    listener(change);
  } catch (error) {
    // A defect in one listener must neither stop the others nor pass unseen.
    queueMicrotask(() => {
      throw error;
    });
  }
}
