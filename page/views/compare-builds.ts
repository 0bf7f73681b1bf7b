/** What is different from the build before. */
import { duration, shortImage } from '#page/format.ts';
import type { Build } from '#shared/api/schemas.ts';

export interface Difference {
  field: string;
  before: string;
  now: string;
}

const FIELDS: [string, (build: Build) => string][] = [
  ['Status', ({ status }) => status],
  ['Reason', ({ reason }) => reason ?? '–'],
  ['Language', ({ language }) => language ?? '–'],
  ['How', ({ path }) => path ?? '–'],
  ['Image', ({ image_uri }) => shortImage(image_uri)],
  ['Took', ({ duration_ms }) => duration(duration_ms)],
];

export function differences(before: Build, now: Build): Difference[] {
  return FIELDS.map(([field, of]) => ({ field, before: of(before), now: of(now) })).filter(
    (difference) => difference.before !== difference.now,
  );
}

/** The newest that was begun before this one. `builds` are newest first. */
export function buildBefore(builds: readonly Build[], build: Build): Build | undefined {
  const index = builds.findIndex(({ correlation_id }) => correlation_id === build.correlation_id);
  if (index !== -1) {
    return builds[index + 1];
  }
  const began = Date.parse(build.started_at ?? '');
  return builds.find(({ started_at }) => Date.parse(started_at ?? '') < began);
}
