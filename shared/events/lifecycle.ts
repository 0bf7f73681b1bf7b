/** `lifecycle.*`: news of builds and functions. Nobody but us sends them, so there are types and no schemas. */
import type { BuildStatus } from './build-complete.ts';
import type { Identity } from './identity.ts';
import type { Reason } from './reasons.ts';

interface Correlated extends Identity {
  correlation_id: string;
}

export interface BuildStarted extends Correlated {
  build_key: string;
  job_name: string;
  state: 'started' | 'queued';
  queue_position?: number;
}

export interface BuildCompleted extends Correlated {
  build_key?: string;
  image_uri: string;
  service_name: string;
  /** Where the function will answer: its Knative address inside the cluster. */
  url?: string;
  cached: boolean;
  duration_ms?: number;
}

export interface BuildFailed extends Correlated {
  build_key?: string;
  status: BuildStatus;
  reason: Reason;
  error_message: string;
  log?: { bucket: string; key: string };
}

export interface FunctionReady extends Correlated {
  service_name: string;
  revision: string;
  image_uri: string;
  url: string;
}

export interface FunctionFailed extends Correlated {
  service_name: string;
  revision: string;
  image_uri: string;
  reason: Reason;
  error_message: string;
}

export interface FunctionDeleted extends Correlated {
  deleted: { kind: string; name: string }[];
}
