/** Singleflight: callers that ask for the same at the same time share one request. */

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
export function singleflight<Answer>(request: (key: string) => Promise<Answer>): (key: string) => Promise<Answer> {
  /** Requests under way. These promises never reject. */
  const current = new Map<string, Promise<void>>();
  const next = new Map<string, Promise<Answer>>();

  function begin(key: string): Promise<Answer> {
    next.delete(key);
    const answer = request(key);
    const over = () => void current.delete(key);
    current.set(key, answer.then(over, over));
    return answer;
  }

  return (key) => {
    const later = next.get(key) ?? current.get(key)?.then(() => begin(key));
    if (!later) {
      return begin(key);
    }
    next.set(key, later);
    return later;
  };
}
