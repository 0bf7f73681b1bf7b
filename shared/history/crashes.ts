/**
 * The last call that a function has broken off: `history-crashes/{third_party_id}/{parser_id}.json`, and
 * `….broken.json` where its process went on. The door writes it: a pod, its log and its exit code are gone when the
 * function sleeps.
 */
import { constants } from 'node:os';
import { type Crash, crashSchema } from '#shared/api/schemas.ts';
import { bounded } from '#shared/bounded-text.ts';
import { lastError } from '#shared/builds/last-error.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { SECOND } from '#shared/durations.ts';
import type { Identity } from '#shared/events/identity.ts';
import type { ContainerEnd } from '#shared/kubernetes/container-ends.ts';
import { ownStack } from '#shared/own-stack.ts';
import { readJson } from '#shared/read-json.ts';
import { redactCredentials } from '#shared/redact-credentials.ts';
import { remember } from '#shared/remember.ts';
import { crashKey } from '#shared/specs/s3-keys.ts';
import { within } from '#shared/within.ts';

export interface Crashes {
  /** Resolves once it is kept, or after a second: the call is what counts. Several calls see one and the same end. */
  keep(identity: Identity, crash: Crash): Promise<void>;
}

const LONGEST_WAIT = SECOND;
const LONGEST_TEXT = 4000;
const LONGEST_CAUSE = 300;
const MOST_REMEMBERED = 1000;

export function createCrashes(store: Pick<ObjectStore, 'write'>, bucket: string): Crashes {
  const kept = new Map<string, string>();
  return {
    async keep(identity, crash) {
      const key = crashKey(identity, crash.exit_code === undefined ? 'broken' : 'ended');
      const end = `${crash.pod} ${crash.time}`;
      if (kept.get(key) === end) {
        return;
      }
      remember(kept, key, end, MOST_REMEMBERED);
      const written = store.write(bucket, key, JSON.stringify(crash), 'application/json').catch(() => undefined);
      await within(LONGEST_WAIT, written, undefined);
    },
  };
}

/** Undefined where there is none, or S3 does not say: it is a help only. */
export async function readCrash(
  store: Pick<ObjectStore, 'read'>,
  bucket: string,
  identity: Identity,
): Promise<Crash | undefined> {
  const kept = await Promise.all(
    (['ended', 'broken'] as const).map(async (kind) => {
      const found = await store.read(bucket, crashKey(identity, kind)).catch(() => undefined);
      return crashSchema.safeParse(readJson(found?.text)).data;
    }),
  );
  const [last] = kept.flatMap((crash) => crash ?? []).sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
  return last;
}

/** Its process goes on, as far as its pods say. */
export function brokenCall(
  time: Date,
  { call, revision, detail }: Pick<Crash, 'call' | 'revision'> & { detail: string },
): Crash {
  return { time: time.toISOString(), call, revision, pod: '', text: detail };
}

export function crashOf(end: ContainerEnd, { call, revision }: Pick<Crash, 'call' | 'revision'>): Crash {
  return {
    time: new Date(end.at).toISOString(),
    call,
    revision,
    pod: end.pod,
    exit_code: end.exitCode,
    text: redactCredentials(ownStack(readable(end.text ?? '')).join('\n')).slice(-LONGEST_TEXT),
  };
}

/** "the function's process ended during the call, with exit code 3", "…, by signal SIGSEGV (exit code 139)". */
export function whatBroke({ exit_code: code }: Pick<Crash, 'exit_code'>, when: string): string {
  if (code === undefined) {
    return `the function broke the connection ${when}, and its process goes on`;
  }
  // A shell's 128 and the number of the signal.
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  const how = signal === undefined ? `with exit code ${code}` : `by signal ${signal} (exit code ${code})`;
  return `the function's process ended ${when}, ${how}`;
}

/** The line that says why; empty where it has written nothing. */
export function lastWords({ text }: Pick<Crash, 'text'>): string {
  const error = text.split('\n').findLast((line) => ERROR.test(line.trim()));
  const told = error?.trim() ?? (text.trim() === '' ? '' : lastError(text));
  return bounded(told, LONGEST_CAUSE);
}

/** Of Node.js and Python, Go, Rust. */
const ERROR =
  /^(?:Uncaught )?(?:[\w.$]*(?:Error|Exception|Interrupt)\b.*|panic: .*|fatal error: .*|thread '.*' .*panicked at.*)$/;

/** Lines of our adapters are JSON: what counts in them is the stack. The first line may lack its beginning. */
function readable(text: string): string {
  return text
    .split('\n')
    .flatMap((line) => {
      const told = line.startsWith('{')
        ? (readJson(line) as { msg?: unknown; stack?: unknown } | undefined)
        : undefined;
      if (typeof told?.msg === 'string') {
        return [told.msg, ...(typeof told.stack === 'string' && told.stack ? told.stack.trimEnd().split('\n') : [])];
      }
      return line.endsWith('}') && line.includes('\\n') ? line.replace(/"\}$/, '').split('\\n') : [line];
    })
    .join('\n')
    .trim();
}
