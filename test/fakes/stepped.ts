/**
 * Runs a hook before and after every call of a port, to crash a handler between any two calls, or to do something else
 * there.
 */
import { Readable } from 'node:stream';

export class Crash extends Error {
  override readonly name = 'Crash';
}

export interface Steps {
  /** Calls so far, as method names in order. */
  readonly calls: string[];
  /** Runs before the n-th call, counted from 1 over all ports that share these steps. */
  before?: (step: number) => void | Promise<void>;
  after?: (step: number) => void | Promise<void>;
}

/** The same port with the hooks around its methods. A listing counts as one call, at its first page. */
export function stepped<Port extends object>(port: Port, steps: Steps): Port {
  return new Proxy(port, {
    get(target, property) {
      const method = Reflect.get(target, property) as unknown;
      if (typeof method !== 'function' || typeof property !== 'string') {
        return method;
      }
      return (...args: unknown[]) => {
        const call = () => Reflect.apply(method, target, args) as unknown;
        return property === 'list' ? pages(steps, property, call) : single(steps, property, call, args);
      };
    },
  });
}

async function single(steps: Steps, name: string, call: () => unknown, args: unknown[]): Promise<unknown> {
  const step = steps.calls.push(name);
  try {
    await steps.before?.(step);
    const result = await call();
    await steps.after?.(step);
    return result;
  } catch (error) {
    // The adapters do the same: whoever writes to the stream learns that nobody reads it.
    for (const stream of args.filter((arg) => arg instanceof Readable)) {
      stream.destroy();
    }
    throw error;
  }
}

async function* pages(steps: Steps, name: string, call: () => unknown): AsyncIterable<unknown> {
  const step = steps.calls.push(name);
  await steps.before?.(step);
  yield* call() as AsyncIterable<unknown>;
  await steps.after?.(step);
}

/** Crashes at one step: before it has done anything, or after it has. */
export function crashAt(step: number, when: 'before' | 'after'): Steps {
  return {
    calls: [],
    [when]: (current: number) => {
      if (current === step) {
        throw new Crash(`${when} step ${step}`);
      }
    },
  };
}
