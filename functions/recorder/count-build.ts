/** What the end of a build, and the first answer of its function, add to the metrics. */
import { BUILD_RECORD, readBuildRecord } from '#shared/builds/build-record.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import type { RecordedEvent } from '#shared/history/recorded-event.ts';
import { dataOf } from '#shared/history/timeline.ts';
import type { BuildMetrics } from './metrics.ts';

const COMPLETED = 'lifecycle.build.completed';
export const READY = 'lifecycle.function.ready';
export const ENDS: ReadonlySet<string> = new Set([COMPLETED, 'lifecycle.build.failed']);

export function countBuild({ original }: ReceivedEvent<unknown>, event: RecordedEvent, metrics: BuildMetrics): void {
  if (!ENDS.has(event.type)) {
    return;
  }
  const { status, reason } = dataOf(event);
  const isSuccess = event.type === COMPLETED;
  const failure = status === 'success' || status === 'queued' || status === 'running' ? undefined : status;
  metrics.ended({
    status: isSuccess ? 'success' : (failure ?? 'failed'),
    reason,
    record: readBuildRecord(original[BUILD_RECORD]),
  });
}

/** Told by the times of two events. Where one of them has not come yet, nothing is observed. */
export function timeBuild(
  { type, original }: ReceivedEvent<unknown>,
  chain: RecordedEvent[],
  metrics: BuildMetrics,
): void {
  const find = (wanted: string) => chain.findLast((event) => event.type === wanted);
  if (ENDS.has(type)) {
    const path = readBuildRecord(original[BUILD_RECORD])?.path ?? 'none';
    observe(find('build.start'), find(type), (seconds) => metrics.took(path, seconds));
  }
  // A later one is that of another revision of the same build, such as after a Secret was changed.
  if (type === READY && chain.filter((event) => event.type === READY).length === 1) {
    const path = chain.some((event) => event.type === 'lifecycle.build.started') ? 'job' : 'layer';
    const completed = find(COMPLETED);
    observe(completed, find(READY), (seconds) =>
      metrics.phase('ready', dataOf(completed).cached ? 'cached' : path, seconds),
    );
  }
}

function observe(from: RecordedEvent | undefined, to: RecordedEvent | undefined, tell: (seconds: number) => void) {
  if (from && to) {
    tell(Math.max(0, Date.parse(to.time) - Date.parse(from.time)) / 1000);
  }
}
