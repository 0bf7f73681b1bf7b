/** What build-start has packed: contexts for Jobs, and images that need none. */
import { Histogram } from 'prom-client';
import { registry } from '#shared/telemetry/metrics.ts';
import type { PackingMetrics } from './packing.ts';

const KINDS = ['context', 'layer'] as const;

export function createPackingMetrics(): PackingMetrics {
  const bytes = new Histogram({
    name: 'knative_lambda_packed_bytes',
    help: 'Compressed size of what was uploaded: a context archive to S3, or the layers of the code to the registry.',
    labelNames: ['kind'],
    buckets: [1e4, 1e5, 1e6, 1e7, 1e8],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'knative_lambda_packing_duration_seconds',
    help: 'From the listed source to its context archive in S3, or to its image in the registry.',
    labelNames: ['kind'],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers: [registry],
  });
  for (const kind of KINDS) {
    bytes.zero({ kind });
    duration.zero({ kind });
  }
  return {
    packed: (prepared, seconds) => {
      const kind = 'image' in prepared ? 'layer' : 'context';
      bytes.observe({ kind }, 'image' in prepared ? prepared.bytes : prepared.context.bytes);
      duration.observe({ kind }, seconds);
    },
  };
}
