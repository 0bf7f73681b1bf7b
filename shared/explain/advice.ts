/** For each reason: what to do, and the one command that does it. */
import { REASONS, type Reason } from '#shared/events/reasons.ts';

export interface Next {
  /** It says what the command is for. */
  say: string;
  command: string;
}

export interface Asked {
  /** `{third_party_id}/{parser_id}`. */
  subject: string;
  /** Of the dead letter, where it is one. */
  letter?: string;
}

interface Step {
  command: (asked: Asked) => string;
  /** Whether a sentence leads to the command already. */
  isSaid: RegExp;
  /** Else it goes on so. */
  more: string;
}

const DEPLOYED = { isSaid: /deploy|build\.start|upload/i, more: ', then deploy again' };
const DEPLOY: Step = { ...DEPLOYED, command: () => 'kn-lambda deploy' };
const DEPLOY_AGAIN: Step = { ...DEPLOYED, command: () => 'kn-lambda deploy --force' };
const DOCTOR: Step = {
  command: () => 'kn-lambda doctor',
  isSaid: /doctor/,
  more: ': doctor looks at what the platform needs',
};
const BUILDS: Step = {
  command: ({ subject }) => `kn-lambda explain build ${subject}`,
  isSaid: /explain/,
  more: '; explain says how far its build is',
};
const SECRETS: Step = {
  command: ({ subject }) => `kn-lambda secrets ${subject}`,
  isSaid: /lists the Secrets/,
  more: '; the command lists the Secrets that it names',
};
const LIST: Step = { command: () => 'kn-lambda list', isSaid: /\blists?\b/, more: ': the list shows what there is' };
const SHOW: Step = {
  command: ({ letter }) => (letter ? `kn-lambda dead-letters show ${letter}` : 'kn-lambda dead-letters list'),
  isSaid: /dead letter/,
  more: '; the dead letter has the event and its problems',
};
const REPLAY: Step = {
  command: ({ letter }) => (letter ? `kn-lambda dead-letters replay ${letter}` : 'kn-lambda dead-letters list'),
  isSaid: /replay|sen[dt]s? it again/i,
  more: ', then replay the letter',
};
const PODS: Step = {
  command: () => 'kubectl get brokers,ksvc,pods -A -l app.kubernetes.io/part-of=knative-lambda',
  isSaid: /pods/,
  more: '; its pods show whether it runs',
};

const STEPS: Record<Reason, Step> = {
  NoSource: DEPLOY,
  SourceTooLarge: DEPLOY,
  TooManyFiles: DEPLOY,
  UnsafePath: DEPLOY,
  UnknownLanguage: DEPLOY,
  AmbiguousLanguage: DEPLOY,
  HandlerNotFound: DEPLOY,
  InvalidManifest: DEPLOY,
  DependencyInstallFailed: DEPLOY,
  PrivateDependencyDenied: DEPLOY,
  CompileFailed: DEPLOY,
  BuildFailed: DEPLOY,
  ImagePushFailed: DOCTOR,
  BuildTimeout: DEPLOY,
  OutOfMemory: DEPLOY,
  Evicted: DEPLOY_AGAIN,
  TooManyBuilds: DEPLOY,
  TooManyFunctions: DEPLOY,
  NotProcessed: DEPLOY_AGAIN,
  Cancelled: DEPLOY_AGAIN,
  SecretNotFound: SECRETS,
  SecretForbidden: SECRETS,
  Superseded: BUILDS,
  Forbidden: DOCTOR,
  Refused: DEPLOY,
  FunctionNotReady: DEPLOY,
  NoSuchFunction: LIST,
  BadReply: DEPLOY,
  InvalidEvent: SHOW,
  UnsupportedEvent: SHOW,
  Unauthenticated: { command: () => 'kn-lambda login', isSaid: /login/, more: '; login keeps one' },
  TooManyHops: SHOW,
  NotACloudEvent: {
    command: ({ subject }) => `kn-lambda invoke ${subject}`,
    isSaid: /invoke/,
    more: '; invoke sends one that is right',
  },
  InvalidRequest: { command: () => 'kn-lambda --help', isSaid: /help/, more: '; --help says what the command can ask' },
  NoSuchResource: LIST,
  UploadIncomplete: DEPLOY,
  Poison: {
    ...REPLAY,
    command: ({ letter }) =>
      letter ? `kn-lambda dead-letters replay ${letter} --force` : 'kn-lambda dead-letters list',
  },
  DispatcherStopped: REPLAY,
  NotFound: REPLAY,
  QueueFull: REPLAY,
  ReplyNotDelivered: REPLAY,
  Timeout: DEPLOY,
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

/** `told`: what somebody has said already about what to do. */
export function nextFor(reason: Reason, asked: Asked, told?: string): Next {
  const say = capital(told ?? halves(reason)[1]);
  const named = commandIn(say);
  const step = STEPS[reason];
  return named === undefined ? { say: complete(say, step), command: step.command(asked) } : { say, command: named };
}

/** Then send it again. */
export function thenReplay(say: string, letter: string): Next {
  return { say: complete(say, REPLAY), command: `kn-lambda dead-letters replay ${letter}` };
}

/** The sentence goes on in its first part, which says what to do first. */
function complete(say: string, { isSaid, more }: Step): string {
  const [first = '', ...others] = say.replace(/\.$/, '').split('; ');
  return isSaid.test(say) ? say : [`${first}${more}`, ...others].join('; ');
}

/** A command that stands in what is to be done first. */
function commandIn(say: string): string | undefined {
  return /`((?:kubectl|kn-lambda|make) [^`]+)`/.exec(say.split('; ')[0] ?? '')?.[1];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Each sentence says what is wrong, then, after a colon or a full stop, what to do. */
function halves(reason: Reason): [string, string] {
  const sentence: string = REASONS[reason];
  const [, cause = sentence, advice = sentence] = /^(.*?)(?:: |\. )(?=\S)(.*)$/s.exec(sentence) ?? [];
  return [cause.replace(/\.$/, ''), advice];
}
