/** One question for all who ask the same at the same time. */

/**
 * Nobody is told what was so before he asked: whoever comes while an answer is under way waits for the next one.
 *
 *      a:  ──┼ asks ──────┼ answer to a
 *      b:  ─────┼ waits ──┼ asks ──────┼ answer to b and c
 *      c:  ────────┼ waits ────────────┤
 *
 * The answer is shared: it must not be changed.
 */
export function singleflight<Answer>(ask: (about: string) => Promise<Answer>): (about: string) => Promise<Answer> {
  /** Those that are under way; they never reject. */
  const current = new Map<string, Promise<void>>();
  const next = new Map<string, Promise<Answer>>();

  function begin(about: string): Promise<Answer> {
    next.delete(about);
    const answer = ask(about);
    const over = () => void current.delete(about);
    current.set(about, answer.then(over, over));
    return answer;
  }

  return (about) => {
    const later = next.get(about) ?? current.get(about)?.then(() => begin(about));
    if (!later) {
      return begin(about);
    }
    next.set(about, later);
    return later;
  };
}
