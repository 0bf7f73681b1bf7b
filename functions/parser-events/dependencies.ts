/** What parser-events works with. Types only: index.ts makes the real ones, tests and the simulator their own. */
import type { Cluster } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { Identity } from '#shared/events/identity.ts';
import type { Crashes } from '#shared/history/crashes.ts';
import type { Inputs } from '#shared/history/inputs.ts';
import type { CallFunction } from './call-function.ts';
import type { KnownFunctions } from './find-function.ts';
import type { CallFailure } from './judge-answer.ts';
import type { Patience } from './patience.ts';
import type { CallLane, Places } from './places.ts';

/** One call that has come to its end, or was handed on. */
export interface CallReport {
  identity: Identity;
  lane: CallLane;
  revision: string;
  outcome: 'succeeded' | 'failed' | 'passed';
  /** Of a call that failed: `HandlerFailed` where the function itself said so. */
  reason?: CallFailure | 'HandlerFailed' | undefined;
  seconds: number;
  /** Nothing of this revision was answered for a minute, so Knative may have had no pod of it. */
  cold: boolean;
}

/** `look-up`: Kubernetes or S3 did not say in time whether there is such a function. */
export type HandedOn = 'own' | 'no place' | 'passed' | 'not ready' | 'look-up';

export interface CallMetrics {
  called(report: CallReport): void;
  /** Calls that another queue brings later. */
  handedOn(lane: CallLane, why: HandedOn): void;
}

export interface ParserEventsDependencies {
  cluster: Pick<Cluster, 'getService' | 'listFunctionPods'>;
  store: Pick<ObjectStore, 'read' | 'list'>;
  temporaryBucket: string;
  known: KnownFunctions;
  call: CallFunction;
  places: Places;
  patience: Patience;
  metrics: CallMetrics;
  inputs: Pick<Inputs, 'keep'>;
  crashes: Crashes;
  /** CALL_SAMPLE: of the calls that succeed, the share that is recorded. */
  callSample: number;
  now: () => Date;
}
