/** What the gateway works with. Types only: index.ts makes the real ones, tests and the simulator their own. */
import type { Broker } from '#shared/clients/broker.ts';
import type { Cluster } from '#shared/clients/cluster.ts';
import type { InstallationSource } from '#shared/clients/installation.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { StreamPodLog } from '#shared/clients/pod-log-stream.ts';
import type { PresignUpload } from '#shared/clients/presigned-uploads.ts';
import type { Principals } from '#shared/clients/principals.ts';
import type { SourceLimits } from '#shared/packing/types.ts';
import type { Answer, FunctionRequest } from '#shared/runtime/request.ts';
import type { Authentication } from '#shared/runtime/signing.ts';
import type { EventFeed } from './api/event-feed.ts';
import type { Snapshot } from './api/function-view.ts';
import type { ReadHour } from './api/numbers.ts';
import type { PodLooks } from './api/pod-looks.ts';
import type { Rates } from './rates.ts';
import type { VerifyToken } from './tokens.ts';

export interface GatewayDependencies {
  broker: Pick<Broker, 'publish'>;
  /** Throws RetryableError where they cannot be read. */
  principals: () => Promise<Principals>;
  verify: VerifyToken;
  rates: Rates;
  /** Only where it is required, everybody has to send a token. */
  authentication: Authentication;
  /** SOURCE_PREFIX. */
  sourcePrefix: string;
}

/** What the API works with besides. */
export interface ApiDependencies extends GatewayDependencies {
  cluster: Pick<
    Cluster,
    | 'getService'
    | 'listServices'
    | 'listRevisions'
    | 'listFunctionPods'
    | 'listPods'
    | 'listJobMetadata'
    | 'listTriggers'
  >;
  store: Pick<ObjectStore, 'list' | 'read' | 'write' | 'create' | 'remove'>;
  presign: PresignUpload;
  streamLog: StreamPodLog;
  podsOf: PodLooks;
  installation: InstallationSource;
  /** Of the object that doctor writes and removes. */
  probeId: () => string;
  eventFeed: EventFeed;
  /** Of reads, which are more than events and cost less. */
  reads: Rates;
  snapshot: () => Promise<Snapshot>;
  hour: ReadHour;
  sourceBucket: string;
  temporaryBucket: string;
  sourceLimits: SourceLimits;
  namespace: string;
  buildsNamespace: string;
  platform: 'laptop' | 'cluster';
  version: string;
  page: ServePage;
  now: () => Date;
}

/** Answers GET and HEAD of everything that is no API. */
export type ServePage = (path: string, headers: FunctionRequest['headers']) => Answer;
