/** Waits for something, but not for ever. */
import { setTimeout as sleep } from 'node:timers/promises';

/** `otherwise` where it takes longer. What is waited for goes on. */
export async function within<Value, Otherwise>(
  milliseconds: number,
  value: Promise<Value>,
  otherwise: Otherwise,
): Promise<Value | Otherwise> {
  const timer = new AbortController();
  try {
    return await Promise.race([value, sleep(milliseconds, otherwise, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}
