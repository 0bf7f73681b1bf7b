/** Whether a source may end as it did. */
import type { End } from './build-source.ts';
import type { Source } from './source.ts';

/** What a tool prints around its reason, and never the reason. */
const NOISE = /it printed nothing|^\s*at .*:\d+:\d+|exit status \d+$|debug-0\.log|npm warn|note: This error originates/;
const WHEN = { failed: ['build', 'before'], 'not ready': ['start'], 'failed call': ['call'] };

/** What is wrong with the end; undefined where nothing is. */
export function wrongEnd({ faults, loose }: Source, { what, message }: End): string | undefined {
  if (what === 'answered') {
    const [missed] = faults;
    return loose || missed === undefined ? undefined : `it answers, although a fault was planted: ${missed.says}`;
  }
  if (what === 'failed' && NOISE.test(message)) {
    return `the message has no reason: ${message}`;
  }
  const isSaid = faults.some(({ when, says }) => WHEN[what].includes(when) && says.test(message));
  return loose || isSaid ? undefined : `it ends as "${what}", and no planted fault is named: ${message}`;
}
