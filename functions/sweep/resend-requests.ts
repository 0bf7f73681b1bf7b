/** Requests that were lost between build-start and their Job: sent again a few times, then ended, so that each has its terminal event. */
import { CloudEvent } from 'cloudevents';
import { terminalId } from '#shared/builds/terminal-event.ts';
import type { StoredObject } from '#shared/clients/object-store.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { correlationId } from '#shared/events/build-start.ts';
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
import type { Run } from './dependencies.ts';
import { finalOutcome, isDue, type SeenRequest } from './lost-request.ts';
import { send } from './send.ts';

/** Each is a small object of S3. Of more than these, another part each minute. */
const READ_LIMIT = 1000;

export async function resendRequests(run: Run): Promise<void> {
  const { seen, now } = await readAll(run);
  const ages = seen.map(({ request }) => now.getTime() - request.since.getTime());
  run.metrics.oldestRequest(Math.max(0, ...ages) / 1000);
  const due = takeBatch(
    seen.filter((request) => isDue(request, now)),
    now,
  );
  // What became a Job is in the hands of its finalizer: whoever made it died before forgetting the request.
  const inHands = new Set(
    due.length > 0 ? (await run.jobs()).map((job) => terminalId(readBuild(job)?.event_id ?? '')) : [],
  );
  await forEachInBatch(due, { report: run.report, nameOf: ({ request }) => request.key }, async ({ request }) => {
    const where = { bucket: run.temporaryBucket, identity: request.identity, terminalId: request.terminalId };
    if (inHands.has(request.terminalId)) {
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

async function readAll({ store, temporaryBucket, report }: Run): Promise<{ seen: SeenRequest[]; now: Date }> {
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
 * Sent, then counted: a crash in between costs an event more, under the same source and id; the other way round an outage of the Broker
 * would use up the attempts.
 */
async function sendAgain({ broker, store, temporaryBucket, report }: Run, request: PendingRequest): Promise<void> {
  const resent = request.resent + 1;
  const event = { ...request.event, [RESENT]: String(resent), [FIRST_SEEN]: request.since.toISOString() };
  await send(broker, new CloudEvent<unknown>(event, false));
  await store.write(temporaryBucket, request.key, JSON.stringify({ event }), 'application/json');
  report.did('requests_resent', request.key);
}

/** The request stays until build-complete has processed its end, which is told every minute until then. */
async function sendEnd(
  run: Run,
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

/** It was answered, and whoever did died before the answer was told, or before build-complete had processed it. */
async function resendOutcome(
  { broker, store, temporaryBucket, report }: Run,
  { key, identity, terminalId, event }: PendingRequest,
  answer: RequestOutcome,
): Promise<void> {
  const where = { bucket: temporaryBucket, identity, terminalId };
  const cause = { id: event.id, source: event.source, correlationId: correlationIdOf(event) };
  await send(broker, causedBy(cause, answer.reply));
  await settleRequest(store, where, answer);
  report.did(hasOwnTerminalEvent(answer, where) ? 'requests_ended' : 'requests_forgotten', key);
}

/** As the chain would have been named. */
function correlationIdOf(event: PendingRequest['event']): string {
  const data = event['data'] as { correlation_id?: unknown } | undefined;
  const candidates = [event['correlationid'], data?.correlation_id, event.id];
  return (
    candidates.map((value) => correlationId.safeParse(value).data).find((value) => value !== undefined) ??
    terminalId(event.id)
  );
}
