/** Answers that are made of a snapshot alone: until the next one each is made once, and sent again as it is. */
import { etagOf } from '#shared/runtime/etag.ts';
import type { Answer } from '#shared/runtime/request.ts';
import type { Snapshot } from './function-view.ts';

/** A page asks for a few; who asks for each name once must not fill the memory. */
const MOST = 200;
const known = new WeakMap<Snapshot, Map<string, Answer>>();

/** `key`: everything else that the answer depends on, such as who asks, and for what. */
export function answerOf(
  snapshot: Snapshot,
  key: string,
  { headers, make }: { headers: Record<string, string>; make: () => object },
): Answer {
  const answers = known.get(snapshot) ?? new Map<string, Answer>();
  known.set(snapshot, answers);
  const before = answers.get(key);
  if (before) {
    return before;
  }
  const body = Buffer.from(JSON.stringify(make()));
  const answer = { statusCode: 200, headers: { ...headers, etag: etagOf(body) }, body };
  if (answers.size < MOST) {
    answers.set(key, answer);
  }
  return answer;
}
