/** recorder: keeps what happened. Each event once, in the history of its function and in the feed of what passes. */
import type { ReceivedEvent } from '#shared/events/event.ts';
import type { Identity } from '#shared/events/identity.ts';
import { indexBuild } from '#shared/history/build-index.ts';
import { callKey } from '#shared/history/calls.ts';
import { keepEvent, readChain } from '#shared/history/chain.ts';
import { identityOfRecorded, type RecordedEvent, recordedEvent } from '#shared/history/recorded-event.ts';
import type { HandlerContext } from '#shared/runtime/types.ts';
import { countBuild, ENDS, READY, timeBuild } from './count-build.ts';
import type { RecorderDependencies } from './dependencies.ts';

/** Calls themselves: their data is the user's own, and is kept by nobody. */
const NOT_KEPT = new Set(['parser.start', 'parser.deliver']);

export async function recorder(
  event: ReceivedEvent<unknown>,
  deps: RecorderDependencies,
  { claims }: Pick<HandlerContext, 'claims'>,
): Promise<undefined> {
  if (NOT_KEPT.has(event.type) || isHearsay(event, deps, claims)) {
    return;
  }
  const { store, temporaryBucket: bucket, feed } = deps;
  const recorded = recordedEvent(event, deps.now());
  const identity = identityOfRecorded(recorded);
  if (!identity) {
    // About no function, such as dead-letter.replayed: it only passes.
    await feed(recorded);
    return;
  }
  const kept = await keepEvent(store, bucket, identity, recorded);
  if (kept.isNew) {
    // Before what may fail: at the next delivery it is not new.
    countBuild(event, kept.event, deps.metrics);
  }
  // Also where it was kept before: then an earlier delivery may have ended right after that.
  const chain = await index(identity, kept.event, deps);
  if (kept.isNew) {
    await feed(recorded);
    timeBuild(event, chain, deps.metrics);
  }
}

/** The chain of an event that belongs to a build's end. */
async function index(identity: Identity, event: RecordedEvent, deps: RecorderDependencies): Promise<RecordedEvent[]> {
  const { store, temporaryBucket: bucket } = deps;
  if (event.type === 'parser.complete') {
    await store.write(bucket, callKey(identity, event), JSON.stringify(event), 'application/json');
  }
  if (!ENDS.has(event.type) && event.type !== READY) {
    return [];
  }
  const chain = await readChain(store, bucket, identity, event.correlation_id ?? '');
  if (ENDS.has(event.type)) {
    await indexBuild(store, bucket, identity, chain);
  }
  return chain;
}

/**
 * A build pod signs nothing, and whoever reaches the Broker from one can say anything in its place. What build-complete
 * makes of it is confirmed and signed: that is recorded.
 */
function isHearsay(
  { type, subject }: ReceivedEvent<unknown>,
  { authentication }: RecorderDependencies,
  claims: HandlerContext['claims'],
): boolean {
  return authentication === 'required' && type === 'build.complete' && claims === undefined && subject !== undefined;
}
