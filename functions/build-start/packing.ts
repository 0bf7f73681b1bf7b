/** Packs a source once for all requests that need it at the same moment (singleflight), and few sources at a time. */
import pLimit from 'p-limit';
import type { PreparedBuild } from '#shared/packing/types.ts';

/** Each needs some 40 MB for parts and buffers, which has to fit into the function's memory limit. */
const SOURCES_AT_ONCE = 4;

/** A fingerprint stands for one content, so all requests for it share one archive. */
export type Packing = (fingerprint: string, prepare: () => Promise<PreparedBuild>) => Promise<PreparedBuild>;

export interface PackingMetrics {
  /** Of work that was done: a request that another one's archive serves is not counted. */
  packed(prepared: PreparedBuild, seconds: number): void;
}

/** Per process, and only to save work: two pods that pack the same source write the same archive twice. */
export function createPacking(metrics?: PackingMetrics): Packing {
  const limit = pLimit(SOURCES_AT_ONCE);
  const underWay = new Map<string, Promise<PreparedBuild>>();
  return (fingerprint, prepare) => {
    const shared = underWay.get(fingerprint);
    if (shared !== undefined) {
      return shared;
    }
    const packed = limit(() => measured(prepare, metrics)).finally(() => underWay.delete(fingerprint));
    underWay.set(fingerprint, packed);
    return packed;
  };
}

async function measured(prepare: () => Promise<PreparedBuild>, metrics?: PackingMetrics): Promise<PreparedBuild> {
  const began = performance.now();
  const prepared = await prepare();
  metrics?.packed(prepared, (performance.now() - began) / 1000);
  return prepared;
}
