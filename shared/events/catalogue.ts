/** All event types with their data. Only these can be sent, and a test checks that Triggers ask for no others. */
import type { BuildComplete } from './build-complete.ts';
import type { BuildStart } from './build-start.ts';
import type { DeadLetterPurge, DeadLetterPurged, DeadLetterReplay, DeadLetterReplayed } from './dead-letter.ts';
import type { JobStart } from './job-start.ts';
import type {
  BuildCompleted,
  BuildFailed,
  BuildStarted,
  FunctionDeleted,
  FunctionFailed,
  FunctionReady,
} from './lifecycle.ts';
import type { ParserComplete } from './parser.ts';
import type { EventRejected } from './rejected.ts';
import type { ServiceDelete } from './service-delete.ts';

export interface Events {
  'build.start': BuildStart;
  'job.start': JobStart;
  'build.complete': BuildComplete;
  'lifecycle.build.started': BuildStarted;
  'lifecycle.build.completed': BuildCompleted;
  'lifecycle.build.failed': BuildFailed;
  'lifecycle.function.ready': FunctionReady;
  'lifecycle.function.failed': FunctionFailed;
  'lifecycle.function.deleted': FunctionDeleted;
  'service.delete': ServiceDelete;
  /** The data is the user's own. */
  'parser.start': unknown;
  /** A call that the door has taken and hands on to itself, by a queue of its own. The data is the user's own. */
  'parser.deliver': unknown;
  'parser.complete': ParserComplete;
  'event.rejected': EventRejected;
  'dead-letter.replay': DeadLetterReplay;
  'dead-letter.purge': DeadLetterPurge;
  'dead-letter.replayed': DeadLetterReplayed;
  'dead-letter.purged': DeadLetterPurged;
}

export type EventType = keyof Events;
