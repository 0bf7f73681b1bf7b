/** The signal that aborts with the first of some. */

/**
 * `milliseconds`: aborts then at the latest. Not AbortSignal.any: nothing holds what it makes of AbortSignal.timeout.
 * So in Node 20 the time never comes once garbage has been collected.
 */
export function anySignal(signals: readonly AbortSignal[], milliseconds?: number): AbortSignal {
  const first = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) {
      first.abort(signal.reason);
    }
    signal.addEventListener('abort', () => first.abort(signal.reason), { once: true, signal: first.signal });
  }
  if (milliseconds !== undefined) {
    const late = () => first.abort(new DOMException(`nothing came within ${milliseconds} ms`, 'TimeoutError'));
    // The process may end before.
    setTimeout(late, milliseconds).unref();
  }
  return first.signal;
}
