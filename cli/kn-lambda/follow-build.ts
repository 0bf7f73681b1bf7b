/**
 * What becomes of a `build.start`, step by step, until the new version answers or it is clear that it never will. News
 * come by the stream of events; the API is asked as well, in case one of them is missed.
 */
import {
  type Build,
  buildDetailSchema,
  type EventLine,
  explanationSchema,
  functionSchema,
} from '#shared/api/schemas.ts';
import type { Identity } from '#shared/events/identity.ts';
import { anySignal } from './any-signal.ts';
import { type Api, pause } from './client.ts';
import { Failure } from './failure.ts';
import { Inbox } from './inbox.ts';
import { pathOf } from './session.ts';

export type BuildNews =
  | { step: 'taken' }
  | { step: 'packed' }
  | { step: 'queued'; position: number | undefined }
  | { step: 'building'; jobName: string | undefined }
  | { step: 'built'; image: string; cached: boolean; jobName: string | undefined }
  /** It does not answer yet, and that is why. */
  | { step: 'waits'; why: string }
  | { step: 'ready'; image: string; revision: string | undefined; url: string | undefined }
  | { step: 'failed'; status: string; reason: string; message: string }
  /** A newer request for the same function, and its image once it is built. */
  | { step: 'rival'; by: string; image: string | undefined }
  /** The function has the image of a newer request. */
  | { step: 'replaced'; by: string }
  /** That nobody hears of the build for a while, or that it is heard of again. */
  | { step: 'connection'; told: string };

export interface Followed {
  api: Api;
  identity: Identity;
  correlationId: string;
  /** Opened before the build was asked for. */
  events: AsyncIterable<EventLine>;
  /** Where the stream of events tells that it is broken off. */
  onConnection: (hear: (told: string) => void) => void;
  signal: AbortSignal;
}

const ASK_MS = 2000;
const ASK_READY_MS = 250;
/** A version that has not answered by then may never do. */
const ASK_WHY_MS = 7000;
const ASK_DEPLOYED_MS = 500;

/** Ends with `ready`, `failed` or `replaced`. */
export async function* followBuild(followed: Followed): AsyncGenerator<BuildNews> {
  const ended = new AbortController();
  const signal = anySignal([followed.signal, ended.signal]);
  const news = new Inbox<BuildNews>();
  followed.signal.addEventListener('abort', () => news.fail(followed.signal.reason), { once: true });
  const told = (work: Promise<void>): void => void work.catch((error: unknown) => news.fail(error));
  followed.onConnection((text) => news.put({ step: 'connection', told: text }));
  told(fromEvents(followed, news));
  told(fromApi({ ...followed, signal }, news));
  const before = new Set<string>();
  try {
    for await (const item of news) {
      const key = JSON.stringify(item);
      if (!before.has(key) || item.step === 'connection') {
        before.add(key);
        yield item;
      }
      if (['ready', 'failed', 'replaced'].includes(item.step)) {
        return;
      }
    }
  } finally {
    ended.abort();
  }
}

async function fromEvents({ events, correlationId }: Followed, news: Inbox<BuildNews>): Promise<void> {
  const rivals = createRivals(correlationId);
  for await (const event of events) {
    const item = rivals(event) ?? (event.correlation_id === correlationId ? newsOf(event) : undefined);
    if (item !== undefined) {
      news.put(item);
    }
  }
}

/** Reads every event of the function. Requests that came before ours are none. */
export function createRivals(correlationId: string): (event: EventLine) => BuildNews | undefined {
  const rivals = new Set<string>();
  let isTaken = false;
  return ({ type, correlation_id: by = '', data }) => {
    if (by === correlationId) {
      isTaken = true;
      return undefined;
    }
    if (type === 'build.start' && isTaken) {
      rivals.add(by);
      return { step: 'rival', by, image: undefined };
    }
    const built = type === 'build.complete' && rivals.has(by) ? newsOf({ type, data }) : undefined;
    return built?.step === 'built' ? { step: 'rival', by, image: built.image } : undefined;
  };
}

export function newsOf({ type, data }: Pick<EventLine, 'type' | 'data'>): BuildNews | undefined {
  const told = (data ?? {}) as Record<string, unknown>;
  const text = (name: string): string | undefined => (told[name] === undefined ? undefined : String(told[name]));
  switch (type) {
    case 'build.start':
      return { step: 'taken' };
    case 'job.start':
      return { step: 'packed' };
    case 'lifecycle.build.started':
      return told['state'] === 'queued'
        ? { step: 'queued', position: told['queue_position'] as number | undefined }
        : { step: 'building', jobName: text('job_name') };
    case 'build.complete':
      return told['status'] === 'success'
        ? { step: 'built', image: text('image_uri') ?? '', cached: told['cached'] === true, jobName: text('job_name') }
        : failed(text('status'), text('reason'), text('error_message'));
    case 'lifecycle.build.failed':
      return failed(text('status'), text('reason'), text('error_message'));
    case 'lifecycle.function.ready':
      return { step: 'ready', image: text('image_uri') ?? '', revision: text('revision'), url: text('url') };
    case 'lifecycle.function.failed':
      return failed('failed', text('reason'), text('error_message'));
    case 'event.rejected':
      return failed('failed', text('reason'), problemsIn(told['problems']));
    default:
      return undefined;
  }
}

function failed(status = 'failed', reason = 'InternalError', message = ''): BuildNews {
  return { step: 'failed', status, reason, message };
}

function problemsIn(problems: unknown): string {
  const list = Array.isArray(problems) ? (problems as { path?: unknown; message?: unknown }[]) : [];
  return list.map(({ path, message }) => `${String(path)} ${String(message)}`).join('; ');
}

/** The build until it has ended, then the function until it answers with the build's image. */
async function fromApi(followed: Followed, news: Inbox<BuildNews>): Promise<void> {
  const { api, identity, correlationId, signal } = followed;
  const path = `/api/v1/builds/${pathOf(identity)}/${encodeURIComponent(correlationId)}`;
  let image = news.last('built')?.image;
  while (!signal.aborted) {
    // As soon as the stream tells that the image is there, the function is looked at.
    await Promise.race([pause(ASK_MS, signal), news.once('built', signal)]).catch(() => {});
    image = news.last('built')?.image;
    if (image === undefined) {
      const build = await optional(() => api.get(path, buildDetailSchema, { signal }), signal);
      const item = build && newsOfBuild(build);
      if (item !== undefined) {
        news.put(item);
      }
      image = item?.step === 'built' ? item.image : undefined;
    }
    if (image !== undefined) {
      if (news.last('built')?.cached) {
        // The version before may have the same image: it answers already.
        await untilDeployed(followed, path, news);
      }
      await untilAnswers(followed, image, news);
      return;
    }
  }
}

/** Until the platform has said what became of this build's deployment. */
async function untilDeployed({ api, signal }: Followed, path: string, news: Inbox<BuildNews>): Promise<void> {
  while (!signal.aborted) {
    const build = await optional(() => api.get(path, buildDetailSchema, { signal }), signal);
    const item = build && newsOfBuild(build);
    if (item?.step === 'failed') {
      news.put(item);
    } else if (build?.timeline.some(({ event }) => event?.type === 'lifecycle.build.completed')) {
      return;
    }
    await pause(ASK_DEPLOYED_MS, signal).catch(() => {});
  }
}

async function untilAnswers({ api, identity, signal }: Followed, image: string, news: Inbox<BuildNews>): Promise<void> {
  const path = `/api/v1/functions/${pathOf(identity)}`;
  let askWhy = performance.now() + ASK_WHY_MS;
  while (!signal.aborted) {
    const found = await optional(() => api.get(path, functionSchema, { signal }), signal);
    if (found?.image_uri === image && found.state === 'ready') {
      news.put({ step: 'ready', image, revision: found.revision, url: found.url });
    }
    if (found?.image_uri === image && found.state === 'failed') {
      news.put(failed('failed', 'FunctionNotReady', found.message));
    }
    const rival = news.last('rival');
    if (rival?.image !== undefined && rival.image !== image && found?.image_uri === rival.image) {
      news.put({ step: 'replaced', by: rival.by });
    }
    if (found?.image_uri === image && found.state === 'starting' && performance.now() > askWhy) {
      askWhy = performance.now() + ASK_WHY_MS;
      const why = await whyItWaits({ api, identity, signal });
      if (why !== undefined) {
        news.put({ step: 'waits', why });
      }
    }
    await pause(ASK_READY_MS, signal).catch(() => {});
  }
}

async function whyItWaits({ api, identity, signal }: Pick<Followed, 'api' | 'identity' | 'signal'>) {
  const query = { about: 'function', ...identity };
  const told = await optional(() => api.get('/api/v1/explain', explanationSchema, { query, signal }), signal);
  if (!told || told.healthy) {
    return undefined;
  }
  const log = told.evidence
    .find(({ kind }) => kind === 'log')
    ?.text.split('\n')
    .at(-1);
  // How long it has waited would be news each time.
  const cause = told.cause.replace(/ (?:for|after) \d+ (?:s|min)\b/, '');
  return log ? `${cause}; its log ends with: ${log}` : cause;
}

function newsOfBuild(build: Build): BuildNews | undefined {
  switch (build.status) {
    case 'queued':
      return { step: 'queued', position: build.queue_position };
    case 'running':
      return { step: 'building', jobName: build.job_name };
    case 'success':
      return { step: 'built', image: build.image_uri ?? '', cached: build.path === 'cached', jobName: build.job_name };
    default:
      return failed(build.status, build.reason, build.error_message);
  }
}

/** Not there yet, or the gateway is away for a moment: the stream goes on, and the next look may find it. */
async function optional<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (signal.aborted || error instanceof Failure) {
      return undefined;
    }
    throw error;
  }
}
