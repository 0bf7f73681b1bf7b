/** How much one tenant may have deployed. */
import { describe, expect, test } from 'vitest';
import { checkTenantLimits } from '#functions/build-complete/tenant-limits.ts';
import type { KnativeObject } from '#shared/clients/cluster.ts';
import type { Build } from '#shared/specs/annotations.ts';

const service = (third_party_id: string, parser_id: string, min = 0): KnativeObject => ({
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Service',
  metadata: {
    name: parser_id,
    annotations: { 'knative-lambda/third-party-id': third_party_id, 'knative-lambda/parser-id': parser_id },
  },
  spec: { template: { metadata: { annotations: { 'autoscaling.knative.dev/min-scale': String(min) } } } },
});

const check = (there: KnativeObject[], wanted: KnativeObject, limits: { functions: number; minPods: number }) => {
  const annotations = wanted.metadata.annotations ?? {};
  const build = {
    third_party_id: annotations['knative-lambda/third-party-id'],
    parser_id: annotations['knative-lambda/parser-id'],
  } as Build;
  const getService = async (name: string) => there.find(({ metadata }) => metadata.name === name);
  return checkTenantLimits({ getService, listServices: async () => there }, build, wanted, limits);
};

describe('a tenant', () => {
  const two = [service('acme', 'a', 2), service('acme', 'b')];

  test('may not have one function too many, but may replace those that it has', async () => {
    const limits = { functions: 2, minPods: 10 };
    await expect(check(two, service('acme', 'c'), limits)).rejects.toMatchObject({ reason: 'TooManyFunctions' });
    await expect(check(two, service('acme', 'a', 2), limits)).resolves.toBeUndefined();
  });

  test('may not keep more pods, in sum, but may keep what it has', async () => {
    const limits = { functions: 10, minPods: 2 };
    await expect(check(two, service('acme', 'c', 1), limits)).rejects.toThrow(/would keep 3 pods/);
    await expect(check(two, service('acme', 'a', 3), limits)).rejects.toThrow(/would keep 3 pods/);
    await expect(check(two, service('acme', 'c'), limits)).resolves.toBeUndefined();
    await expect(check(two, service('acme', 'a', 2), { functions: 1, minPods: 1 })).resolves.toBeUndefined();
  });

  test('is not counted with others, also where their labels are the same', async () => {
    await expect(check(two, service('other', 'c', 1), { functions: 1, minPods: 1 })).resolves.toBeUndefined();
  });
});
