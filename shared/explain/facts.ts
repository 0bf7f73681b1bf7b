/** What is known when somebody asks why. Gathered elsewhere; here nothing is asked of anybody. */
import type { Build, Call, Crash, FunctionSummary, Letter } from '#shared/api/schemas.ts';
import type { RecordedEvent } from '#shared/history/recorded-event.ts';

/** A pod that should run, as far as it matters here. */
export interface PodFact {
  name: string;
  /** Why it does not start, in the words of Kubernetes. */
  trouble?: string | undefined;
  /** How its container ended last. */
  ended?: Pick<Crash, 'time' | 'pod' | 'exit_code' | 'text'> | undefined;
  /** Since when its container runs without being ready. */
  unreadySince?: string | undefined;
  /** The end of its log, where it runs and is not ready. */
  log?: string | undefined;
  startedAt?: string | undefined;
}

/** What of the platform itself does not work: a Service of ours, a Trigger, a Broker, S3 … */
export interface PlatformTrouble {
  /** Such as `Service build-start`. */
  object: string;
  message: string;
}

export interface Facts {
  about: 'build' | 'call' | 'function' | 'letter' | 'now';
  now: Date;
  /** `{third_party_id}/{parser_id}`; undefined for everything. */
  subject?: string | undefined;
  /** Of the call or the letter. */
  id?: string | undefined;
  /** Events of the build, or of the call. */
  chain: RecordedEvent[];
  build?: Build | undefined;
  /** The build's log, or its end. */
  log?: string | undefined;
  /** Of builds. */
  buildsNamespace: string;
  /** Of the build, or of the function. */
  pods: PodFact[];
  fn?: FunctionSummary | undefined;
  /** When the function was deleted. */
  deletedAt?: string | undefined;
  call?: Call | undefined;
  /** The last ones that failed, newest first. */
  failedCalls: Call[];
  /** The last time that its process ended during a call. */
  crash?: Crash | undefined;
  /** Open ones about this, newest first. */
  letters: Letter[];
  platform: PlatformTrouble[];
  /** Of all that one may see, for `now`. */
  functions: FunctionSummary[];
  running: Build[];
  /** Builds that run in the whole installation. */
  slots?: { running: number; waiting: number } | undefined;
}

/** Nothing is known yet. */
export function noFacts(about: Facts['about'], now: Date): Facts {
  const none = { chain: [], pods: [], failedCalls: [], letters: [], platform: [], functions: [], running: [] };
  return { about, now, buildsNamespace: 'knative-lambda-builds', ...none };
}
