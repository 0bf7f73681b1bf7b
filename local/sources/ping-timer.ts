/** The timer of one PingSource. */
import { Cron } from 'croner';
import type { Address } from '#local/broker/address.ts';
import { type Sending, sendEvent } from './send-event.ts';

/** So that many sources of one minute do not all fire at once; as upstream. */
const JITTER = 500;
/** Below the 2^31 ms at which timers overflow and fire at once; and a laptop may have slept meanwhile. */
const LONGEST_TIMER = 3_600_000;

export interface PingOptions extends Sending {
  name: string;
  namespace: string;
  sink: Address;
  spec: { schedule: string; timezone?: string; contentType?: string; data?: string; dataBase64?: string };
  extensions: Record<string, string>;
  now?: () => Date;
  random?: () => number;
}

/**
 * Runs until the signal. A tick missed while the machine slept is not made up for. Throws where the schedule is not
 * understood.
 */
export function startPing(options: PingOptions): void {
  const {
    name,
    namespace,
    sink,
    spec,
    extensions,
    signal,
    sleep,
    now = () => new Date(),
    random = Math.random,
  } = options;
  const schedule = new Cron(spec.schedule, {
    timezone: spec.timezone ?? 'UTC',
    mode: '5-or-6-parts',
    // `5/20`, which Go's cron takes too.
    sloppyRanges: true,
  });
  const attributes = {
    type: 'dev.knative.sources.ping',
    source: `/apis/v1/namespaces/${namespace}/pingsources/${name}`,
    ...(spec.contentType ? { datacontenttype: spec.contentType } : {}),
    ...extensions,
  };
  const data = spec.dataBase64 === undefined ? Buffer.from(spec.data ?? '') : Buffer.from(spec.dataBase64, 'base64');

  const run = async () => {
    while (!signal.aborted) {
      const due = schedule.nextRun(now());
      if (!due) {
        return;
      }
      for (let left = due.getTime() - now().getTime(); left > 0; left = due.getTime() - now().getTime()) {
        await sleep(Math.min(left, LONGEST_TIMER), signal);
      }
      await sleep(random() * JITTER, signal);
      if (!signal.aborted) {
        void sendEvent(sink, { ...attributes, time: now().toISOString() }, data, options);
      }
    }
  };
  run().catch(() => {});
}
