/** What a build may use, from the settings' defaults to the Job. */
import { expect, test } from 'vitest';
import * as z from 'zod';
import { buildResources } from '#functions/job-start/build-resources.ts';
import { fieldsFor } from '#shared/settings/select.ts';
import { kanikoJob } from '#shared/specs/kaniko-job.ts';
import { jobSettings, jobStartEvent } from './world.ts';

test('a build is promised CPU, memory and disk, and is limited in all three', () => {
  const { IMAGE_REGISTRY: _, ...fields } = fieldsFor('job-start');
  const config = z.object(fields).partial().parse({}) as Parameters<typeof buildResources>[0];
  const event = jobStartEvent({});

  const job = kanikoJob(event, { ...jobSettings, resources: buildResources(config) });

  expect(job.spec?.template.spec?.containers[0]?.resources).toEqual({
    requests: { cpu: '500m', memory: '1Gi', 'ephemeral-storage': '1Gi' },
    limits: { cpu: '2', memory: '4Gi', 'ephemeral-storage': '10Gi' },
  });
});
