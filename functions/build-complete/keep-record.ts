/**
 * Writes the record of a success, from which an unchanged source is answered without a build; and where its
 * dependencies are, on which another source is put without one.
 */
import type { V1Job } from '@kubernetes/client-node';
import { terminalCloudEvent } from '#shared/builds/terminal-event.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { writeDependencyImage } from '#shared/requests/dependency-image.ts';
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
  if (build.dependencies) {
    const { third_party_id, dependencies } = build;
    await writeDependencyImage(store, { bucket: temporaryBucket, third_party_id, dependencies }, image_uri);
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
