/** All reasons of failures: what was wrong, and what to do next. The table in docs/events.md is generated from them. */
import * as z from 'zod';

/** Programs compare these names, so a name never changes. New ones may be added. */
export const REASONS = {
  // A build ends with one of these.
  NoSource:
    'There is nothing under the prefix, or no such bucket: upload the source, or correct s3_bucket and s3_prefix.',
  SourceTooLarge:
    'The source is larger than MAX_SOURCE_BYTES, by default 100 MB: remove what the function does not need.',
  TooManyFiles:
    'The source has more files or folders than MAX_SOURCE_FILES, by default 10,000: remove what is not needed.',
  UnsafePath:
    'A key has `..`, `.wh.`, control characters or no UTF-8, is absolute, or two keys are no tree: rename or remove it.',
  UnknownLanguage: 'No language is recognised: upload the manifest of one, or set parameters.language.',
  AmbiguousLanguage: 'More than one language is recognised: set parameters.language.',
  HandlerNotFound: 'The file has no function of the expected name: name it so, or set parameters.handler.',
  InvalidManifest:
    'The manifest (package.json, pyproject.toml, go.mod …) cannot be read or used: correct what the message names.',
  DependencyInstallFailed:
    'The package manager could not install what the manifest asks for: correct names, versions and lock file.',
  PrivateDependencyDenied: 'A private registry or repository refused a dependency: see docs/private-dependencies.md.',
  CompileFailed: 'The code does not compile, or fails when it is imported: correct it.',
  BuildFailed: 'Another step of the build failed: correct what the message names; `log` is where the whole log lies.',
  ImagePushFailed: 'The registry did not take the image: let the operator check the registry and its credentials.',
  BuildTimeout:
    'The build ran over its deadline, or waited a day for others: make it smaller, or have the limits raised.',
  OutOfMemory:
    'The build or the function needed more memory than it may use: use less, or have BUILD_MEMORY_LIMIT or parameters.resources raised.',
  Evicted: 'The node ended the build pod: send build.start again; if it happens again, look at the nodes.',
  TooManyBuilds:
    'Your client reached its limit of waiting builds, or of builds a minute: send build.start again after `retry_after_seconds`.',
  TooManyFunctions:
    'Your tenant has as many functions as it may, or pods that never go: do what the message says, then send build.start again.',
  NotProcessed:
    'The request was lost on the way and could not be processed for an hour: see the dead letters, then send build.start again.',
  Cancelled: 'A `service.delete` came, or the Job was deleted: send build.start again if the function is still wanted.',
  SecretNotFound: 'parameters.secrets names a Secret or a key that is not there: make it as the message says.',
  SecretForbidden: 'parameters.secrets names a Secret that is not labelled for this tenant: have it labelled.',
  Superseded: 'A newer source was asked for meanwhile: wait for its build.complete.',
  Forbidden: 'The platform lacks a permission: ask the operator to grant what the message names.',
  Refused: 'Kubernetes or the registry refused the request: correct what the message quotes.',
  FunctionNotReady:
    'The function does not start, or is still being built: see its log, correct the code, send build.start again.',

  // A call of a function ends with one of these.
  NoSuchFunction: 'There is no function of that name: correct the subject, or deploy it by build.start.',
  BadReply:
    'The function did not answer as a function must: correct what the message names; docs/functions.md says what may be answered.',

  // A function refuses an event, or what is none, with one of these.
  InvalidEvent: "The event's data is wrong: correct each of its `problems`, then send it again.",
  UnsupportedEvent: 'The function does not take events of this type: correct the type, or the filter of the Trigger.',
  Unauthenticated: 'The event has no valid signature: send events to the gateway, with a token, and not to the Broker.',
  TooManyHops: 'Events that cause each other go in a circle: find out which function sends what it is called with.',
  NotACloudEvent: 'The request is no CloudEvent: send it as the answer describes.',

  // The API answers one of these.
  InvalidRequest: 'The request to the API is wrong: correct each of its `problems`, then send it again.',
  NoSuchResource: 'There is nothing of this name in the API, or nothing that you may see: list what there is.',
  UploadIncomplete: 'Files of the upload are missing in S3, or are others than were announced: upload them again.',

  // A dead letter has one of these, or that of the refusal.
  Poison:
    'The event came back from two replays: find out what the subscriber fails on, mend that, then force its replay.',
  DispatcherStopped:
    'There was no answer, although somebody listens: the event is resent automatically, and kept after the third time.',
  NotFound: 'Nothing takes events at the address: mend the Trigger or deploy the function, then replay the letter.',
  QueueFull: 'RabbitMQ itself took the event out of its queue: see the limits of the queue, then replay the letter.',
  ReplyNotDelivered:
    'The event was handled, but the reply could not be sent on: replay the letter if the reply is needed.',
  Timeout:
    'The function or the subscriber was too slow: make it faster, or give it more time (parameters.timeout_seconds).',

  // What fails for a while is tried again with one of these, by the Broker or by the function itself.
  Unavailable: 'Kubernetes, S3, the registry or the subscriber is down or cannot be reached: see its log and mend it.',
  Throttled: 'A limit of calls or a quota is reached: wait; if it stays, have the limit raised.',
  Conflict: 'Somebody else changed the same object in between. There is nothing to do: it is tried again.',
  SourceChanging: 'The source changed while it was packed. It is tried again: let nobody write to it for a moment.',
  BuildEnding: 'The former build of this source has not gone yet. There is nothing to do: it is tried again.',
  JobJoined: 'Another request joined the build while its end was processed. There is nothing to do: it is tried again.',
  BrokerUnavailable: 'The Broker cannot be reached, or did not store the event: see `kubectl get brokers,pods`.',
  DependenciesUnavailable: "The function could not connect to what it needs: see the function's log and its settings.",
  Starting: 'The function is not ready yet. There is nothing to do: it is tried again.',
  InternalError: "The function failed in a way nobody foresaw: its log says why under the answer's `fingerprint`.",
} as const satisfies Record<string, string>;

export type Reason = keyof typeof REASONS;

/**
 * Reads the reason in stored objects and received events. It accepts any text, since another version may have written
 * a reason that is not in this list. Nothing may rely on a reason that was read being one of the list.
 */
export const reasonSchema = z.string().pipe(z.custom<Reason>());
