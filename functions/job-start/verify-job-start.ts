/**
 * Checks that a `job.start` says only what build-start would say of this parser: a forged one must not name objects of
 * another tenant.
 */
import { isFromTheFuture } from '#shared/builds/clock.ts';
import type { JobStart } from '#shared/events/job-start.ts';
import type { Problem } from '#shared/events/problem.ts';
import { imageRepository, imageTag } from '#shared/specs/names.ts';
import { contextKey, formerContextKey } from '#shared/specs/s3-keys.ts';

export function jobStartProblems(
  data: JobStart,
  { registry, temporaryBucket, now }: { registry: string; temporaryBucket: string; now: Date },
): Problem[] {
  const key = contextKey(data, data.build_key);
  const formerKey = formerContextKey(data, data.build_key);
  const expected = {
    'data.context.bucket': [data.context.bucket, temporaryBucket],
    'data.context.key': [data.context.key === formerKey ? key : data.context.key, key],
    'data.image.repository': [data.image.repository, imageRepository(registry, data)],
    'data.image.tag': [data.image.tag, imageTag(data.build_key)],
  };
  const problems: Problem[] = Object.entries(expected)
    .filter(([, [actual, due]]) => actual !== due)
    .map(([path, [actual, due]]) => ({
      path,
      message: `is "${actual}", but must be "${due}": send build.start, which makes it right`,
    }));
  if (isFromTheFuture(data.observed_at, now)) {
    problems.push({ path: 'data.observed_at', message: `is ${data.observed_at}, which is still to come` });
  }
  return problems;
}
