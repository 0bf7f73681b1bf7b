/** Callers that ask for the same at the same time share one request. */

/**
 * Each caller gets an answer that was requested after its call, never an older one. A caller that arrives while a
 * request is under way waits for the next request, which it shares with all others that wait:
 *
 *      a:  ──┼ request ───┼ answer to a
 *      b:  ─────┼ waits ──┼ request ───┼ answer to b and c
 *      c:  ────────┼ waits ────────────┤
 *
 * The answer is shared, so it must not be modified.
 */
export class Singleflight<Answer> {
  /** Requests under way. These promises never reject. */
  readonly #current = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<Answer>>();

  /** Requests under way. */
  get size(): number {
    return this.#current.size;
  }

  /** Of those who wait together, the first one's `request` is made. */
  ask(key: string, request: () => Promise<Answer>): Promise<Answer> {
    const later = this.#next.get(key) ?? this.#current.get(key)?.then(() => this.#begin(key, request));
    if (!later) {
      return this.#begin(key, request);
    }
    this.#next.set(key, later);
    return later;
  }

  #begin(key: string, request: () => Promise<Answer>): Promise<Answer> {
    this.#next.delete(key);
    const answer = request();
    const over = () => void this.#current.delete(key);
    this.#current.set(key, answer.then(over, over));
    return answer;
  }
}
