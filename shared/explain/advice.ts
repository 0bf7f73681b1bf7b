/** For each reason: what mends it, and one command. */
import { REASONS, type Reason } from '#shared/events/reasons.ts';

export interface Advice {
  say: string;
  command?: string;
}

export interface Asked {
  /** `{third_party_id}/{parser_id}`. */
  subject: string;
  /** Of the build, the call or the letter. */
  id: string;
}

type Command = (asked: Asked) => string;

const DEPLOY: Command = () => 'kn-lambda deploy';
const DEPLOY_AGAIN: Command = () => 'kn-lambda deploy --force';
const BUILD_LOG: Command = ({ subject, id }) => `kn-lambda logs ${subject} --build ${id}`;
const LOGS: Command = ({ subject }) => `kn-lambda logs ${subject} --since 10m`;
const DESCRIBE: Command = ({ subject }) => `kn-lambda describe ${subject}`;
const REPLAY: Command = ({ id }) => `kn-lambda dead-letters replay ${id}`;
const SHOW: Command = ({ id }) => `kn-lambda dead-letters show ${id}`;
const DOCTOR: Command = () => 'kn-lambda doctor';
const BUILDS: Command = ({ subject }) => `kn-lambda explain build ${subject}`;
const PODS: Command = () => 'kubectl get brokers,ksvc,pods -A -l app.kubernetes.io/part-of=knative-lambda';

/** The command that goes with the sentence of the same reason in the table of reasons. */
const COMMANDS: Record<Reason, Command> = {
  NoSource: DEPLOY,
  SourceTooLarge: DEPLOY,
  TooManyFiles: DEPLOY,
  UnsafePath: DEPLOY,
  UnknownLanguage: DEPLOY,
  AmbiguousLanguage: DEPLOY,
  HandlerNotFound: DEPLOY,
  InvalidManifest: DEPLOY,
  DependencyInstallFailed: BUILD_LOG,
  PrivateDependencyDenied: ({ subject }) => `kn-lambda secrets ${subject}`,
  CompileFailed: BUILD_LOG,
  BuildFailed: BUILD_LOG,
  ImagePushFailed: DOCTOR,
  BuildTimeout: BUILD_LOG,
  OutOfMemory: DESCRIBE,
  Evicted: DEPLOY_AGAIN,
  TooManyBuilds: () => 'kn-lambda list',
  TooManyFunctions: () => 'kn-lambda list',
  NotProcessed: DEPLOY_AGAIN,
  Cancelled: DEPLOY_AGAIN,
  SecretNotFound: ({ subject }) => `kn-lambda secrets ${subject}`,
  SecretForbidden: ({ subject }) => `kn-lambda secrets ${subject}`,
  Superseded: BUILDS,
  Forbidden: DOCTOR,
  Refused: DESCRIBE,
  FunctionNotReady: LOGS,
  NoSuchFunction: () => 'kn-lambda list',
  BadReply: LOGS,
  InvalidEvent: SHOW,
  UnsupportedEvent: SHOW,
  Unauthenticated: () => 'kn-lambda login',
  TooManyHops: SHOW,
  NotACloudEvent: ({ subject }) => `kn-lambda invoke ${subject}`,
  InvalidRequest: () => 'kn-lambda --help',
  NoSuchResource: () => 'kn-lambda list',
  UploadIncomplete: DEPLOY,
  Poison: SHOW,
  DispatcherStopped: REPLAY,
  NotFound: REPLAY,
  QueueFull: REPLAY,
  ReplyNotDelivered: REPLAY,
  Timeout: LOGS,
  Unavailable: DOCTOR,
  Throttled: DOCTOR,
  Conflict: DOCTOR,
  SourceChanging: DEPLOY,
  BuildEnding: BUILDS,
  JobJoined: BUILDS,
  BrokerUnavailable: PODS,
  DependenciesUnavailable: PODS,
  Starting: BUILDS,
  InternalError: PODS,
};

export function isReason(reason: string | undefined): reason is Reason {
  return reason !== undefined && Object.hasOwn(REASONS, reason);
}

/** What is wrong where nobody has said more: the first half of the reason's sentence. */
export function generalCause(reason: Reason): string {
  return halves(reason)[0];
}

export function adviceFor(reason: Reason, asked: Asked): Advice {
  const say = halves(reason)[1];
  return { say: say.charAt(0).toUpperCase() + say.slice(1), command: COMMANDS[reason](asked) };
}

/** Each sentence says what is wrong, then, after a colon or a full stop, what to do. */
function halves(reason: Reason): [string, string] {
  const sentence: string = REASONS[reason];
  const [, cause = sentence, advice = sentence] = /^(.*?)(?:: |\. )(?=\S)(.*)$/s.exec(sentence) ?? [];
  return [cause.replace(/\.$/, ''), advice];
}
