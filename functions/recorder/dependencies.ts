/** What recorder works with. Types only: index.ts makes the real ones, tests their own. */
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { AddToFeed } from '#shared/history/feed.ts';
import type { Authentication } from '#shared/runtime/signing.ts';
import type { BuildMetrics } from './metrics.ts';

export interface RecorderDependencies {
  store: Pick<ObjectStore, 'list' | 'read' | 'write' | 'create'>;
  temporaryBucket: string;
  feed: AddToFeed;
  authentication: Authentication;
  metrics: BuildMetrics;
  now: () => Date;
}
