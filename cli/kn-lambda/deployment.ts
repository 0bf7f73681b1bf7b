/** One deployment: the folder is read and uploaded, the build asked for and followed until the new version answers. */
import { randomUUID } from 'node:crypto';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import type { FunctionFile } from '#shared/folder/function-file.ts';
import { printableCell } from '#shared/printable.ts';
import { anySignal } from './any-signal.ts';
import type { Api } from './client.ts';
import { Failure } from './failure.ts';
import { type BuildNews, followBuild } from './follow-build.ts';
import { openEvents } from './follow-events.ts';
import { createOutage, FOR_A_MINUTE } from './outage.ts';
import type { Steps } from './render/progress.ts';
import { bytes } from './render/time.ts';
import { many } from './render/words.ts';
import { pathOf } from './session.ts';
import { type HashCache, readSource } from './source/read-source.ts';
import { isThere, upload } from './source/upload.ts';

export interface DeploymentOptions {
  folder: string;
  identity: Identity;
  parameters: FunctionFile['parameters'];
  force: boolean;
  signal: AbortSignal;
  hashes?: HashCache;
  /** Told as soon as the platform works on it without us. */
  onAsked?: (correlationId: string) => void;
  /** Lines of the build's log as they come. */
  onLog?: (text: string) => void;
}

export interface Deployment {
  function: string;
  correlation_id: string;
  version?: string | undefined;
  image: string;
  url?: string | undefined;
  /** Nothing had to be built. */
  cached: boolean;
  duration_ms: number;
}

/** The build or the start failed, for a reason that is explained on the way out. */
export class DeploymentFailed extends Error {
  override readonly name = 'DeploymentFailed';
  readonly correlationId: string;
  readonly news: Extract<BuildNews, { step: 'failed' }>;
  /** Whether there is a built image that does not start. */
  readonly wasBuilt: boolean;

  constructor(correlationId: string, news: Extract<BuildNews, { step: 'failed' }>, wasBuilt: boolean) {
    super(`${news.reason}: ${news.message}`);
    this.correlationId = correlationId;
    this.news = news;
    this.wasBuilt = wasBuilt;
  }
}

export async function deploy(api: Api, options: DeploymentOptions, steps: Steps): Promise<Deployment> {
  const { folder, identity, signal } = options;
  const began = performance.now();
  const source = await steps.step('Read the folder', async () => {
    const value = readSource(folder, options.hashes);
    const left = value.leftOut.length > 0 ? `; left out: ${value.leftOut.map(printableCell).join(', ')}` : '';
    return { title: `Read ${many(value.files.length, 'file')}, ${bytes(value.bytes)}${left}`, value };
  });
  const { prefix } = await steps.step('Upload', async (tell) => {
    const onProgress = ({ done, of }: { done: number; of: number }) => tell(`${done} of ${many(of, 'file')}`, true);
    const value = await upload(api, identity, source, { signal, onProgress });
    const told = [
      `${value.sent} sent`,
      `${value.unchanged} unchanged`,
      ...(value.removed > 0 ? [`${value.removed} removed`] : []),
    ];
    return { title: `Uploaded: ${told.join(', ')}`, value };
  });
  const correlationId = `deploy-${randomUUID()}`;
  const ended = new AbortController();
  try {
    let hear = (_told: string): void => {};
    const outage = createOutage(api.server, FOR_A_MINUTE, (told) => hear(told));
    const events = await openEvents(api, { ...identity }, anySignal([signal, ended.signal]), outage);
    await api.send(buildStart(options, prefix, correlationId), signal);
    options.onAsked?.(correlationId);
    const onConnection = (listener: typeof hear): void => {
      hear = listener;
    };
    const news = followBuild({ api, identity, correlationId, events, onConnection, signal });
    const { built, ready, rival } = await tellNews(news, options, { api, correlationId, steps });
    if (rival !== undefined && !(await isThere(api, identity, source, signal))) {
      throw replaced(identity, rival);
    }
    return {
      function: subjectOf(identity),
      correlation_id: correlationId,
      version: ready.revision,
      image: built?.image ?? ready.image,
      url: ready.url,
      cached: built?.cached ?? false,
      duration_ms: Math.round(performance.now() - began),
    };
  } finally {
    ended.abort();
  }
}

/** By whom deploys from another folder, or another machine, at the same time. */
function replaced(identity: Identity, by: string): Failure {
  const name = subjectOf(identity);
  return new Failure(`a newer source of ${name} was sent while this one was deployed: it replaces this one (${by})`, {
    next: `See what answers: kn-lambda describe ${name}. To have this folder's again, deploy it once more.`,
  });
}

function buildStart({ identity, parameters, force }: DeploymentOptions, prefix: string, correlationId: string) {
  return {
    // A new one each time: an event with the same id is the same event, and answered the same.
    id: randomUUID(),
    type: 'build.start',
    subject: subjectOf(identity),
    extensions: { correlationid: correlationId },
    data: JSON.stringify({
      ...identity,
      correlation_id: correlationId,
      s3_prefix: prefix,
      ...(force ? { force } : {}),
      ...(parameters === undefined ? {} : { parameters }),
    }),
  };
}

interface Telling {
  api: Api;
  correlationId: string;
  steps: Steps;
}

type Built = Extract<BuildNews, { step: 'built' }>;
type Ready = Extract<BuildNews, { step: 'ready' }>;

async function tellNews(
  news: AsyncGenerator<BuildNews>,
  options: DeploymentOptions,
  { api, correlationId, steps }: Telling,
): Promise<{ built: Built | undefined; ready: Ready; rival: string | undefined }> {
  const logs = new AbortController();
  let rival: string | undefined;
  const until = async <Step extends BuildNews['step']>(ends: Step[], tell: (item: BuildNews) => void) => {
    for (;;) {
      const { value: item, done } = await news.next();
      options.signal.throwIfAborted();
      if (done || item === undefined) {
        throw new Failure('the news of the build ended too early', {
          next: `kn-lambda explain build ${subjectOf(options.identity)}`,
        });
      }
      tell(item);
      if (item.step === 'rival') {
        rival = item.by;
      }
      if (item.step === 'replaced') {
        throw replaced(options.identity, item.by);
      }
      if ((ends as string[]).includes(item.step)) {
        return item as Extract<BuildNews, { step: Step }>;
      }
    }
  };
  try {
    const first = await steps.step('Build', async (tell) => {
      const value = await until(['built', 'ready', 'failed'], (item) => {
        const text = newsText(item);
        if (text !== undefined) {
          tell(text);
        }
        if (item.step === 'building' && item.jobName !== undefined && options.onLog) {
          void followLog(api, options, correlationId, anySignal([options.signal, logs.signal]));
        }
      });
      if (value.step === 'failed') {
        throw new DeploymentFailed(correlationId, value, false);
      }
      return { title: builtText(value), value };
    });
    if (first.step === 'ready') {
      return { built: undefined, ready: first, rival };
    }
    const ready = await steps.step('Start', async (tell) => {
      tell('waits until the new version answers');
      const value = await until(['ready', 'failed'], (item) => {
        if (item.step === 'connection') {
          tell(item.told);
        } else if (item.step === 'waits') {
          tell(printableCell(item.why));
        }
      });
      if (value.step === 'failed') {
        throw new DeploymentFailed(correlationId, value, true);
      }
      return { title: `Answers: version ${printableCell(value.revision ?? '?')}`, value };
    });
    return { built: first, ready, rival };
  } finally {
    logs.abort();
  }
}

function builtText(item: Built | Ready): string {
  if (item.step === 'ready') {
    return 'Built';
  }
  return item.cached ? 'Built: nothing had changed' : item.jobName === undefined ? 'Built: no Job was needed' : 'Built';
}

function newsText(item: BuildNews): string | undefined {
  switch (item.step) {
    case 'taken':
      return 'the source is looked at';
    case 'packed':
      return 'the source is packed';
    case 'queued':
      return item.position === undefined ? 'waits for a slot' : `waits for a slot, place ${item.position}`;
    case 'building':
      return `runs${item.jobName === undefined ? '' : ` as Job ${printableCell(item.jobName)}`}`;
    case 'connection':
      return item.told;
    default:
      return undefined;
  }
}

/** A help only: without it the build is followed all the same. */
async function followLog(
  api: Api,
  { identity, onLog }: DeploymentOptions,
  correlationId: string,
  signal: AbortSignal,
): Promise<void> {
  const path = `/api/v1/builds/${pathOf(identity)}/${encodeURIComponent(correlationId)}/log`;
  try {
    for await (const { text } of await api.lines<{ text: string }>(path, { query: { follow: 1 }, signal })) {
      onLog?.(text);
    }
  } catch {
    // The explanation at the end has the lines that count.
  }
}
