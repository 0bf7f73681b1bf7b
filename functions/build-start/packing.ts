/** Packs a source once for all who ask for it at the same moment, and few sources at a time. */
import pLimit from 'p-limit';
import type { PreparedBuild } from '#shared/packing/types.ts';

/** Each keeps some 40 MB of parts and buffers; the function's memory limit holds these and the rest of us. */
const SOURCES_AT_ONCE = 4;

/** Under one fingerprint there is one content, so whoever asks for it meanwhile gets the same archive. */
export type Packing = (fingerprint: string, prepare: () => Promise<PreparedBuild>) => Promise<PreparedBuild>;

/** Per process, and only to spare work: two pods that pack the same source write the same archive twice. */
export function createPacking(): Packing {
  const limit = pLimit(SOURCES_AT_ONCE);
  const underWay = new Map<string, Promise<PreparedBuild>>();
  return (fingerprint, prepare) => {
    const shared = underWay.get(fingerprint);
    if (shared !== undefined) {
      return shared;
    }
    const packed = limit(prepare).finally(() => underWay.delete(fingerprint));
    underWay.set(fingerprint, packed);
    return packed;
  };
}
