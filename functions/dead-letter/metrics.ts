/** Dead letters that were kept. How many are open, and how old, sweep sees. */
import { Counter } from 'prom-client';
import { classifyDelivery } from '#shared/dead-letters/classify-delivery.ts';
import type { DeadLetter } from '#shared/dead-letters/letter.ts';
import { REASONS } from '#shared/events/reasons.ts';
import { registry } from '#shared/telemetry/metrics.ts';

/** Every way in which a delivery can end (classify-delivery.ts), and the refusals that are seen most. */
const EXPECTED: Pick<DeadLetter, 'category' | 'reason'>[] = [
  ...[404, 429, 500, 504, 200, undefined].map((code) => classifyDelivery(code, true)),
  classifyDelivery(-1, true),
  ...(['InvalidEvent', 'UnsupportedEvent', 'Unauthenticated', 'TooManyHops', 'NoSuchFunction', 'Poison'] as const).map(
    (reason) => ({ category: 'permanent', reason }) as const,
  ),
];

export function createLetterMetrics(): (letter: DeadLetter) => void {
  const letters = new Counter({
    name: 'knative_lambda_dead_letters_total',
    help: 'Dead letters kept, by category and reason. One that comes again is the same letter, and not counted.',
    labelNames: ['category', 'reason'],
    registers: [registry],
  });
  for (const { category, reason } of EXPECTED) {
    letters.inc({ category, reason }, 0);
  }
  // Anybody can write a reason.
  return ({ category, reason }) => letters.inc({ category, reason: reason in REASONS ? reason : 'other' });
}
