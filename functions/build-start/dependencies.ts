/** What build-start works with. Types only: index.ts makes the real ones, tests and the simulator their own. */
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { BuildSettings } from '#shared/packing/types.ts';
import type { Packing } from './packing.ts';

export interface BuildStartDependencies {
  store: ObjectStore;
  settings: BuildSettings;
  /** Where source lies unless the request says otherwise. */
  sourceBucket: string;
  /** What a request may name: otherwise it could have us read any bucket that our credentials open. */
  sourceBuckets: readonly string[];
  imageRegistry: string;
  /** Different at every call. */
  attemptId: () => string;
  pack: Packing;
}
