/** Functions as they are deployed, by the product's own specs. */
import type { KnativeObject } from '#shared/clients/cluster.ts';
import type { Identity } from '#shared/events/identity.ts';
import { knativeService } from '#shared/specs/knative-service.ts';
import { imageRepository } from '#shared/specs/names.ts';

const REGISTRY = 'registry.example/functions';
const BEFORE = '2026-01-01T00:00:00.000Z';

export function manyIdentities(count: number, tenants: number): Identity[] {
  return Array.from({ length: count }, (_, index) => ({
    third_party_id: `tenant-${index % tenants}`,
    parser_id: `parser-${index}`,
  }));
}

export function deployedFunction(identity: Identity, namespace: string): KnativeObject {
  const image = imageRepository(REGISTRY, identity);
  const build = {
    ...identity,
    build_key: '0'.repeat(64),
    fingerprint: '0'.repeat(64),
    language: 'node',
    image: `${image}:0`,
    priority: 5,
    parameters: {},
    event_id: `before-${identity.parser_id}`,
    correlation_id: 'before',
    observed_at: BEFORE,
  } as const;
  return knativeService(build, `${image}@sha256:${'0'.repeat(64)}`, { namespace, progressDeadline: '120s' });
}
