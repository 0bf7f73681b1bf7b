/** Writes the record of a success, from which an unchanged source is answered without a build. */
import type { V1Job } from '@kubernetes/client-node';
import { terminalCloudEvent } from '#shared/builds/terminal-event.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { writeRecord } from '#shared/requests/record.ts';
import { readBuild } from '#shared/specs/annotations.ts';

export async function keepRecord(
  job: V1Job,
  outcome: BuildComplete,
  { store, temporaryBucket }: { store: Pick<ObjectStore, 'read' | 'write'>; temporaryBucket: string },
): Promise<void> {
  const build = readBuild(job);
  const { image_uri, started_at, completed_at } = outcome;
  if (!build || !image_uri || !started_at || !completed_at) {
    return;
  }
  // Not the event that was received: nothing has confirmed all of its data, and the record is trusted.
  const event = terminalCloudEvent(job, outcome).toJSON();
  await writeRecord(store, temporaryBucket, {
    third_party_id: build.third_party_id,
    parser_id: build.parser_id,
    fingerprint: build.fingerprint,
    build_key: build.build_key,
    image_uri,
    observed_at: build.observed_at,
    started_at,
    completed_at,
    language: build.language,
    event: event as Parameters<typeof writeRecord>[2]['event'],
  });
}
