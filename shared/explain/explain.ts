/** Why? Facts in, a cause with its evidence and the next step out. */
import type { Explanation } from '#shared/api/schemas.ts';
import { explainBuild } from './explain-build.ts';
import { explainCall } from './explain-call.ts';
import { explainFunction } from './explain-function.ts';
import { explainLetter } from './explain-letter.ts';
import { explainNow } from './explain-now.ts';
import type { Facts } from './facts.ts';

const BY_SUBJECT = {
  build: explainBuild,
  call: explainCall,
  function: explainFunction,
  letter: explainLetter,
  now: explainNow,
};

export function explain(facts: Facts): Explanation {
  return BY_SUBJECT[facts.about](facts);
}
