/** Who may ask which pod: the ready pods of one revision, the requests in each, and those that wait for room. */
import type { Demand } from './demand.ts';

export interface Backend {
  readonly name: string;
  readonly port: number;
  inFlight: number;
  /** Takes no new requests; goes once it is idle. */
  draining: boolean;
  /** A pod that refused a connection is left alone until then (milliseconds). */
  avoidUntil: number;
}

export interface Lease {
  readonly backend: Backend;
  /** Must be called exactly once. */
  release(): void;
}

/** Why nobody could be asked. `Moved`: ask the Service again which revision it is now. */
export class NoBackendError extends Error {
  override readonly name = 'NoBackendError';
  readonly reason: 'Moved' | 'TimedOut' | 'Gone';

  constructor(reason: NoBackendError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

interface Waiter {
  resolve(lease: Lease): void;
  reject(error: NoBackendError): void;
}

const AVOID_MILLISECONDS = 250;

export class RevisionPool {
  readonly #backends = new Map<string, Backend>();
  readonly #waiters = new Set<Waiter>();
  readonly #demand: Demand;
  readonly #concurrency: number;
  readonly #onWaiting: () => void;

  /** `concurrency`: requests that one pod may hold, 0 for no limit. `onWaiting`: somebody waits for a pod. */
  constructor(options: { demand: Demand; concurrency: number; onWaiting: () => void }) {
    this.#demand = options.demand;
    this.#concurrency = options.concurrency > 0 ? options.concurrency : Number.POSITIVE_INFINITY;
    this.#onWaiting = options.onWaiting;
  }

  backends(): Backend[] {
    return [...this.#backends.values()];
  }

  add(name: string, port: number): void {
    const known = this.#backends.get(name);
    if (known?.port !== port) {
      this.#backends.set(name, { name, port, inFlight: 0, draining: false, avoidUntil: 0 });
    }
    this.#serveWaiters();
  }

  remove(name: string): void {
    this.#backends.delete(name);
  }

  /** No new requests for these pods, and again for all others. */
  drain(names: Set<string>): void {
    for (const backend of this.#backends.values()) {
      backend.draining = names.has(backend.name);
    }
    this.#serveWaiters();
  }

  /** Waits, first come first served, until a pod has room. */
  async acquire(timeoutMilliseconds: number, signal: AbortSignal): Promise<Lease> {
    this.#demand.count();
    const free = this.#waiters.size === 0 ? this.#leastLoaded() : undefined;
    if (free) {
      return this.#lease(free);
    }
    this.#demand.enter(Date.now());
    try {
      return await this.#wait(timeoutMilliseconds, signal);
    } finally {
      this.#demand.leave(Date.now());
    }
  }

  avoid(backend: Backend): void {
    backend.avoidUntil = Date.now() + AVOID_MILLISECONDS;
    setTimeout(() => this.#serveWaiters(), AVOID_MILLISECONDS + 1).unref();
  }

  /** Sends all who wait away: the revision is replaced, or gone. */
  dismiss(reason: 'Moved' | 'Gone'): void {
    for (const waiter of this.#waiters) {
      waiter.reject(new NoBackendError(reason, 'the revision takes no more requests'));
    }
  }

  #wait(timeoutMilliseconds: number, signal: AbortSignal): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#waiters.delete(waiter);
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter = {
        resolve: (lease) => {
          settle();
          resolve(lease);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      const onAbort = (): void => waiter.reject(new NoBackendError('Gone', 'the caller went away'));
      const seconds = timeoutMilliseconds / 1000;
      const timer = setTimeout(
        () => waiter.reject(new NoBackendError('TimedOut', `no pod had room within ${seconds} s`)),
        timeoutMilliseconds,
      );
      signal.addEventListener('abort', onAbort);
      this.#waiters.add(waiter);
      this.#onWaiting();
      if (signal.aborted) {
        onAbort();
      }
    });
  }

  #serveWaiters(): void {
    for (const waiter of this.#waiters) {
      const backend = this.#leastLoaded();
      if (!backend) {
        return;
      }
      waiter.resolve(this.#lease(backend));
    }
  }

  #leastLoaded(): Backend | undefined {
    const now = Date.now();
    let best: Backend | undefined;
    for (const backend of this.#backends.values()) {
      const usable = !backend.draining && backend.avoidUntil <= now && backend.inFlight < this.#concurrency;
      if (usable && (best === undefined || backend.inFlight < best.inFlight)) {
        best = backend;
      }
    }
    return best;
  }

  #lease(backend: Backend): Lease {
    backend.inFlight += 1;
    this.#demand.enter(Date.now());
    return {
      backend,
      release: () => {
        backend.inFlight -= 1;
        this.#demand.leave(Date.now());
        this.#serveWaiters();
      },
    };
  }
}
