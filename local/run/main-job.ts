/** The main job, once through: code goes to S3, becomes a function by one event, and answers another. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TapEntry } from '#local/broker/tap.ts';
import type { Platform } from '#local/platform.ts';
import { printableJson } from '#shared/printable.ts';
import type { EventJournal } from './event-journal.ts';
import { attribute, dataOf } from './event-line.ts';
import { sendEvent } from './send-event.ts';
import type { Terminal } from './terminal.ts';
import { uploadExample } from './upload-example.ts';

const THIRD_PARTY = 'demo';
const STEP_SECONDS = 60;
const SOURCE_BUCKET = 'knative-lambda-source';
const DEAD_ENDS = ['lifecycle.build.failed', 'lifecycle.function.failed', 'event.rejected'];

export interface MainJobResult {
  /** Of the built function, for calling it directly. */
  serviceName: string;
  /** Milliseconds from build.start to the function being ready, and from parser.start to its answer. */
  built: number;
  answered: number;
}

/** `folder`: the example, with its event.json. Throws an Error that says which step failed, why, and where to look. */
export async function runMainJob(
  platform: Platform,
  journal: EventJournal,
  terminal: Terminal,
  folder: string,
): Promise<MainJobResult> {
  const parser = folder.split('/').at(-1) ?? '';
  const subject = `${THIRD_PARTY}/${parser}`;
  const ids = { third_party_id: THIRD_PARTY, parser_id: parser };
  const target = { s3Url: platform.s3Url, bucket: SOURCE_BUCKET, prefix: `global/parser/${parser}/` };
  const files = await uploadExample(folder, target);
  terminal.line(`uploaded ${files} files of examples/${parser} to s3://${target.bucket}/${target.prefix}`);
  terminal.line();

  const start = performance.now();
  const build = await sendEvent(platform.brokerUrl, { type: 'build.start', subject, data: ids });
  const ready = await awaitEvent(platform, journal, { subject, chain: build }, 'lifecycle.function.ready');
  const built = performance.now() - start;

  const called = performance.now();
  const data = await eventData(join(folder, 'event.json'));
  const call = await sendEvent(platform.brokerUrl, { type: 'parser.start', subject, data });
  const complete = await awaitEvent(platform, journal, { subject, chain: call }, 'parser.complete');
  const answered = performance.now() - called;
  terminal.line();
  terminal.line(printableJson(JSON.stringify(complete, undefined, 2)));
  if (complete['succeeded'] !== true) {
    throw new Error(`the example's function failed: ${JSON.stringify(complete['error'])}`);
  }
  return { serviceName: String(ready['service_name'] ?? ''), built, answered };
}

/** The file holds a whole CloudEvent, or the data of one. */
async function eventData(file: string): Promise<unknown> {
  const content = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  return content['specversion'] === undefined ? content : content['data'];
}

/**
 * `chain`: the id of the event that began it. The last run may have left the events of another one about the same
 * function.
 */
interface Awaited {
  subject: string;
  chain: string;
}

/** The data of the first event of that type; an end that makes it impossible is an Error at once. */
async function awaitEvent(
  platform: Platform,
  journal: EventJournal,
  { subject, chain }: Awaited,
  type: string,
): Promise<Record<string, unknown>> {
  const found = await journal.find((entry) => outcome(entry, { subject, chain }, type), STEP_SECONDS * 1000);
  if (found === undefined) {
    throw new Error(
      `no ${type} within ${STEP_SECONDS} s; the last event was ${journal.lastAbout(subject) ?? 'none'}. Look where it stands: ` +
        `kubectl --kubeconfig ${platform.kubeconfig} get jobs,pods,ksvc -A`,
    );
  }
  if (found instanceof Error) {
    throw found;
  }
  return found;
}

function outcome(
  entry: TapEntry,
  { subject, chain }: Awaited,
  wanted: string,
): Record<string, unknown> | Error | undefined {
  const isOfChain = [attribute(entry.event, 'id'), attribute(entry.event, 'correlationid')].includes(chain);
  if (!isOfChain || attribute(entry.event, 'subject') !== subject) {
    return undefined;
  }
  const type = attribute(entry.event, 'type');
  if (entry.kind === 'published') {
    const data = dataOf(entry.event);
    if (type === wanted) {
      return data;
    }
    const told = data['error_message'] ?? JSON.stringify(data['problems'] ?? data);
    return DEAD_ENDS.includes(type) ? new Error(`${type}: ${data['reason']}: ${told}`) : undefined;
  }
  return entry.kind === 'dead-lettered' || entry.kind === 'dropped'
    ? new Error(`${type} could not be delivered by Trigger ${entry.trigger}: HTTP ${entry.status}`)
    : undefined;
}
