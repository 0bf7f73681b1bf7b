/** What build-start works with. Types only: index.ts makes the real ones, tests and the simulator their own. */
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { BuildSettings } from '#shared/packing/types.ts';
import type { Assembling } from './assemble-image.ts';
import type { FunctionBounds } from './function-bounds.ts';
import type { Packing } from './packing.ts';

export interface BuildStartDependencies {
  /** All its methods. */
  store: ObjectStore;
  settings: BuildSettings;
  /** Where the source is, unless the request names a bucket. */
  sourceBucket: string;
  /** The buckets that a request may name: our credentials may allow more. */
  sourceBuckets: readonly string[];
  functionBounds: FunctionBounds;
  /** MAX_BUILDS_PER_CLIENT_PER_MINUTE. */
  buildsPerMinute: number;
  /** SOURCE_PREFIX. */
  sourcePrefix: string;
  imageRegistry: string;
  /** Different at every call. */
  attemptId: () => string;
  pack: Packing;
  /** Undefined where every image is built by a Job. */
  assembling?: Pick<Assembling, 'registry' | 'layerOf' | 'ensureRepository'> | undefined;
  now: () => Date;
}
