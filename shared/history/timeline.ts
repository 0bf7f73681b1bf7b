/** What the events of one chain say together: a timeline for people, and the build that they are about. */
import * as z from 'zod';
import type { Build, BuildDetail, TimelineEntry } from '#shared/api/schemas.ts';
import { buildStatusSchema } from '#shared/api/schemas.ts';
import { buildStartSchema } from '#shared/events/build-start.ts';
import type { Identity } from '#shared/events/identity.ts';
import { toldUnknown, unknownFields } from '#shared/events/unknown-fields.ts';
import { eventLine, type RecordedEvent } from './recorded-event.ts';

const TITLES: Record<string, string> = {
  'build.start': 'the build was asked for',
  'job.start': 'the source was packed',
  'lifecycle.build.started': 'the build pod was made',
  'build.complete': 'the build ended',
  'lifecycle.build.completed': 'the function was deployed',
  'lifecycle.build.failed': 'the build has failed',
  'lifecycle.function.ready': 'the new version answers',
  'lifecycle.function.failed': 'the new version does not start',
  'lifecycle.function.deleted': 'the function was deleted',
  'service.delete': 'the deletion was asked for',
  'parser.complete': 'a call was answered',
  'event.rejected': 'an event was refused',
};

/** Fields of our own events that are read here; of any other type they mean nothing. */
const dataSchema = z.object({
  status: buildStatusSchema.optional().catch(undefined),
  state: z.string().optional().catch(undefined),
  reason: z.string().optional().catch(undefined),
  error_message: z.string().optional().catch(undefined),
  job_name: z.string().optional().catch(undefined),
  image_uri: z.string().optional().catch(undefined),
  cached: z.boolean().optional().catch(undefined),
  language: z.string().optional().catch(undefined),
  queue_position: z.int().nonnegative().optional().catch(undefined),
  started_at: z.iso.datetime().optional().catch(undefined),
  completed_at: z.iso.datetime().optional().catch(undefined),
  duration_ms: z.number().nonnegative().optional().catch(undefined),
  log: z.object({ bucket: z.string(), key: z.string() }).optional().catch(undefined),
  error: z.object({ type: z.string(), message: z.string() }).optional().catch(undefined),
});

export type ChainData = z.infer<typeof dataSchema>;

export function dataOf(event: RecordedEvent | undefined): ChainData {
  return defined(dataSchema.safeParse(event?.data).data ?? {});
}

export function timelineOf(chain: RecordedEvent[]): TimelineEntry[] {
  const first = Date.parse(chain[0]?.time ?? '');
  return chain.map((event): TimelineEntry => {
    const detail = event.type === 'build.start' ? ignoredFields(event) : detailOf(dataOf(event));
    return {
      time: event.time,
      after_ms: Math.max(0, Date.parse(event.time) - first),
      kind: 'event',
      title: TITLES[event.type] ?? event.type,
      ...(detail ? { detail } : {}),
      event: eventLine(event, ''),
    };
  });
}

/** Undefined where the chain is about no build. */
export function buildOfChain(identity: Identity, correlation_id: string, chain: RecordedEvent[]): Build | undefined {
  const find = (type: string) => chain.findLast((event) => event.type === type);
  const [asked, packed, started] = [find('build.start'), find('job.start'), find('lifecycle.build.started')];
  const ended = find('build.complete');
  const end = find('lifecycle.build.completed') ?? find('lifecycle.build.failed');
  const first = asked ?? packed ?? started ?? ended ?? end;
  if (!first) {
    return undefined;
  }
  const data = { ...dataOf(packed), ...dataOf(started), ...dataOf(ended), ...dataOf(end) };
  const identified = { third_party_id: identity.third_party_id, parser_id: identity.parser_id, correlation_id };
  const known = { ...pick(data, 'language', 'job_name', 'image_uri'), started_at: first.time };
  const last = ended ?? end;
  if (!last) {
    const status = data.state === 'queued' ? 'queued' : 'running';
    return { ...identified, status, ...known, ...pick(data, 'queue_position') };
  }
  const isSuccess = end ? end.type === 'lifecycle.build.completed' : data.status === 'success';
  const completed = data.completed_at ?? last.time;
  return {
    ...identified,
    status: isSuccess ? 'success' : (data.status ?? 'failed'),
    ...(isSuccess ? {} : pick(data, 'reason', 'error_message')),
    ...known,
    path: data.cached ? 'cached' : started ? 'job' : 'layer',
    completed_at: new Date(completed).toISOString(),
    duration_ms: Math.max(0, Date.parse(completed) - Date.parse(first.time)),
  };
}

/** Each phase lasts until the next one begins; the last one is open while the build runs. */
export function phasesOf(chain: RecordedEvent[]): BuildDetail['phases'] {
  const at = (type: string) => chain.find((event) => event.type === type)?.time;
  const marks = [
    { name: 'prepare', began: at('build.start') },
    { name: 'schedule', began: at('job.start') },
    { name: 'build', began: at('lifecycle.build.started') },
    { name: 'deploy', began: at('build.complete') },
    { name: 'start', began: at('lifecycle.build.completed') },
    {
      name: '',
      began: at('lifecycle.function.ready') ?? at('lifecycle.function.failed') ?? at('lifecycle.build.failed'),
    },
  ].flatMap(({ name, began }) => (began === undefined ? [] : [{ name, began }]));
  return marks.slice(0, marks.at(-1)?.name === '' ? -1 : undefined).map(({ name, began }, index) => {
    const next = marks[index + 1]?.began;
    const duration = next === undefined ? undefined : Math.max(0, Date.parse(next) - Date.parse(began));
    return { name, started_at: began, ...(duration === undefined ? {} : { duration_ms: duration }) };
  });
}

/** Of what was asked for. Without it, a mistyped field would seem to count. */
function ignoredFields({ data }: RecordedEvent): string {
  const told = unknownFields(buildStartSchema, data).map(toldUnknown);
  return told.length > 0 ? `ignored: ${told.join('; ')}` : '';
}

function detailOf({ reason, error_message, error, job_name, image_uri, queue_position }: ChainData): string {
  const failure = [reason ?? error?.type, error_message ?? error?.message].filter(Boolean).join(': ');
  const place = queue_position ? `place ${queue_position} of the queue` : '';
  return failure || place || image_uri || job_name || '';
}

function defined(data: ChainData): ChainData {
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined)) as ChainData;
}

function pick<Name extends keyof ChainData>(data: ChainData, ...names: Name[]): Pick<ChainData, Name> {
  return defined(Object.fromEntries(names.map((name) => [name, data[name]]))) as Pick<ChainData, Name>;
}
