/**
 * Resends requests that were lost between build-start and their Job. Ends them after a few attempts, so that each has a
 * terminal event.
 */
import { CloudEvent } from 'cloudevents';
import { terminalId } from '#shared/builds/terminal-event.ts';
import type { Broker } from '#shared/clients/broker.ts';
import type { ObjectStore, StoredObject } from '#shared/clients/object-store.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { correlationIdOf } from '#shared/events/correlation-id.ts';
import { causedBy } from '#shared/events/event.ts';
import { subjectOf } from '#shared/events/identity.ts';
import {
  hasOwnTerminalEvent,
  type RequestOutcome,
  readOutcome,
  recordOutcome,
  settleRequest,
} from '#shared/requests/outcome.ts';
import {
  deleteRequest,
  FIRST_SEEN,
  listRequests,
  type PendingRequest,
  RESENT,
  readRequest,
} from '#shared/requests/request.ts';
import { readTombstone } from '#shared/requests/tombstone.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import { forEachInBatch, takeBatch } from './batch.ts';
import type { Run, Step } from './dependencies.ts';
import { finalOutcome, isDue, type SeenRequest } from './lost-request.ts';

/** Requests that are read in one run, each a small object in S3. If there are more, each run reads others. */
const READ_LIMIT = 1000;

interface Needs extends Step {
  store: Pick<ObjectStore, 'list' | 'read' | 'write' | 'create' | 'remove'>;
  broker: Pick<Broker, 'send'>;
  temporaryBucket: string;
}

export async function resendRequests(run: Needs & Pick<Run, 'jobs' | 'metrics'>): Promise<void> {
  const { seen, now } = await readAll(run);
  const ages = seen.map(({ request }) => now.getTime() - request.since.getTime());
  run.metrics.oldestRequest(Math.max(0, ...ages) / 1000);
  const due = takeBatch(
    seen.filter((request) => isDue(request, now)),
    now,
  );
  // A request that has a Job needs nothing: the Job's finalizer keeps it. Its creator crashed before it deleted the
  // request.
  const withJob = new Set(
    due.length > 0 ? (await run.jobs()).map((job) => terminalId(readBuild(job)?.event_id ?? '')) : [],
  );
  await forEachInBatch(due, { report: run.report, nameOf: ({ request }) => request.key }, async ({ request }) => {
    const where = { bucket: run.temporaryBucket, identity: request.identity, terminalId: request.terminalId };
    if (withJob.has(request.terminalId)) {
      await deleteRequest(run.store, where);
      run.report.did('requests_forgotten', request.key);
      return;
    }
    const known = await readOutcome(run.store, where);
    if (known) {
      await resendOutcome(run, request, known);
      return;
    }
    const { tombstone } = await readTombstone(run.store, run.temporaryBucket, request.identity);
    const end = finalOutcome(request, tombstone);
    if (end) {
      await sendEnd(run, request, end);
    } else {
      await sendAgain(run, request);
    }
  });
}

async function readAll({ store, temporaryBucket, report }: Needs): Promise<{ seen: SeenRequest[]; now: Date }> {
  const objects: StoredObject[] = [];
  let now = new Date(0);
  for await (const page of listRequests(store, temporaryBucket)) {
    objects.push(...page.objects);
    now = page.date;
  }
  const seen: SeenRequest[] = [];
  await forEachInBatch(takeBatch(objects, now, READ_LIMIT), { report, nameOf: ({ key }) => key }, async (object) => {
    const request = await readRequest(store, temporaryBucket, object);
    if (request) {
      seen.push({ request, modified: object.modified });
    }
  });
  return { seen, now };
}

/**
 * Sends first and counts afterwards. A crash in between sends the event once more, with the same source and id. In the
 * other order, an outage of the Broker would use up the attempts.
 */
async function sendAgain({ broker, store, temporaryBucket, report }: Needs, request: PendingRequest): Promise<void> {
  const resent = request.resent + 1;
  const event = { ...request.event, [RESENT]: String(resent), [FIRST_SEEN]: request.since.toISOString() };
  await broker.send(new CloudEvent<unknown>(event, false));
  await store.write(temporaryBucket, request.key, JSON.stringify({ event }), 'application/json');
  report.did('requests_resent', request.key);
}

/** The request is kept until build-complete has processed its terminal event, which is sent in every run until then. */
async function sendEnd(
  run: Needs,
  request: PendingRequest,
  { status, reason, message }: NonNullable<ReturnType<typeof finalOutcome>>,
): Promise<void> {
  const { store, temporaryBucket } = run;
  const { identity, terminalId, event } = request;
  const correlation_id = correlationIdOf(event);
  const data: BuildComplete = {
    ...identity,
    correlation_id,
    status,
    cached: false,
    reason,
    error_message: message,
    parameters: {},
  };
  const reply: RequestOutcome['reply'] = { type: 'build.complete', id: terminalId, subject: subjectOf(identity), data };
  const where = { bucket: temporaryBucket, identity, terminalId };
  await resendOutcome(run, request, await recordOutcome(store, where, { end: terminalId, reply }));
}

/** The request has been answered, but the reply was lost, or build-complete has not processed it yet. */
async function resendOutcome(
  { broker, store, temporaryBucket, report }: Needs,
  { key, identity, terminalId, event }: PendingRequest,
  outcome: RequestOutcome,
): Promise<void> {
  const where = { bucket: temporaryBucket, identity, terminalId };
  const cause = { id: event.id, source: event.source, correlationId: correlationIdOf(event) };
  await broker.send(causedBy(cause, outcome.reply));
  await settleRequest(store, where, outcome);
  report.did(hasOwnTerminalEvent(outcome, where) ? 'requests_ended' : 'requests_forgotten', key);
}
