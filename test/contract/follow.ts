/** Follows what a probe records, over any number of broken connections, without losing or repeating any of it. */
import { get, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Recorded } from './probe.ts';

/** The probe says something every five seconds. */
const SILENCE_MILLISECONDS = 20_000;
const RECONNECT_MILLISECONDS = 300;

/** Resolves once it listens: what is recorded from then on is told. `after` 0 tells what was recorded before, too. */
export async function follow(
  url: string,
  tell: (record: Recorded) => void,
  { signal, after }: { signal: AbortSignal; after?: number },
): Promise<void> {
  let last = after;
  let told = () => {};
  const listening = new Promise<void>((resolve) => {
    told = resolve;
  });
  const listen = async () => {
    const response = await open(`${url}/events${last === undefined ? '' : `?after=${last}`}`, signal);
    for await (const line of createInterface({ input: response })) {
      const record = JSON.parse(line) as Recorded | { n: number };
      if ('path' in record && record.n > (last ?? 0)) {
        tell(record);
      }
      last = record.n;
      told();
    }
  };
  void (async () => {
    while (!signal.aborted) {
      await listen().catch(() => undefined);
      await sleep(RECONNECT_MILLISECONDS, undefined, { signal }).catch(() => undefined);
    }
  })();
  await listening;
}

async function open(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = get(url, { signal, agent: false, timeout: SILENCE_MILLISECONDS }, resolve);
    request.on('timeout', () => request.destroy(new Error('the probe fell silent')));
    request.on('error', reject);
  });
}
