/** The gateway with its API in this process, over a cluster and an S3 in memory. */

import * as z from 'zod';
import { createEventFeed } from '#functions/gateway/api/event-feed.ts';
import { createLastBuilds } from '#functions/gateway/api/last-builds.ts';
import { createLastCrashes } from '#functions/gateway/api/last-crashes.ts';
import { createBuildingTenants, createNeverDeployed } from '#functions/gateway/api/never-deployed.ts';
import { createReadHour } from '#functions/gateway/api/numbers.ts';
import { createPodLooks } from '#functions/gateway/api/pod-looks.ts';
import { createSnapshot } from '#functions/gateway/api/snapshot.ts';
import { API_ROUTES } from '#functions/gateway/api/table.ts';
import { CLIENT_EVENTS } from '#functions/gateway/bind.ts';
import type { ApiDependencies } from '#functions/gateway/dependencies.ts';
import { gateway } from '#functions/gateway/handler.ts';
import { servePage } from '#functions/gateway/page.ts';
import { createRates } from '#functions/gateway/rates.ts';
import { parsePrincipals } from '#shared/clients/principals.ts';
import { createHourOfCalls } from '#shared/history/hour-of-calls.ts';
import type { Build } from '#shared/specs/annotations.ts';
import { knativeService } from '#shared/specs/knative-service.ts';
import { FUNCTIONS_NAMESPACE, InMemoryCluster, SERVICES } from '#test/fakes/cluster.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { type Running, run } from '#test/unit/runtime/run.ts';

export const SOURCES = 'sources';
export const TEMPORARY = 'temporary';
export const IMAGE = `registry.local/fn@sha256:${'a'.repeat(64)}`;

const parsed = parsePrincipals(`
principals:
  - { name: acme, tokens: [{ service_account: acme/ci }], third_party_ids: [acme], events_per_minute: 1000000 }
  - { name: mallory, tokens: [{ service_account: mallory/ci }], third_party_ids: [mallory], events_per_minute: 1000000 }
  - { name: root, tokens: [{ service_account: ops/root }], operator: true, events_per_minute: 1000000 }
`);
const principals = 'principals' in parsed ? parsed.principals : { issuers: [], principals: [] };

export interface ApiWorld {
  running: Running;
  cluster: InMemoryCluster;
  store: InMemoryObjectStore;
  deps: ApiDependencies;
  /** As acme, where nobody else is named. */
  get(path: string, as?: string, headers?: Record<string, string>): Promise<Answered>;
  post(path: string, body: unknown, as?: string): Promise<Answered>;
  deploy(third_party_id: string, parser_id: string, ready?: boolean): Promise<void>;
}

export interface Answered {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever was answered.
  json: any;
}

export async function openApiWorld(changes: Partial<ApiDependencies> = {}): Promise<ApiWorld> {
  const cluster = new InMemoryCluster();
  const store = new InMemoryObjectStore(SOURCES, TEMPORARY);
  let clock = 0;
  const later = () => (clock += 100_000);
  const hour = createReadHour(createHourOfCalls(store, TEMPORARY), later);
  const deps: ApiDependencies = {
    broker: { publish: async () => {} },
    principals: async () => principals,
    verify: async (token) => ({
      claims: { sub: `system:serviceaccount:${token.replace('.', ':')}` },
      isOfCluster: true,
    }),
    rates: createRates(),
    reads: createRates(50),
    authentication: 'required',
    sourcePrefix: 'src/{third_party_id}/{parser_id}/',
    cluster,
    store,
    presign: async ({ key, sha256 }) => ({ url: `http://s3/${key}`, headers: { sha256 } }),
    // Read anew for each request.
    hour,
    snapshot: createSnapshot(
      cluster,
      {
        hour,
        lastBuilds: createLastBuilds(store, TEMPORARY, later),
        lastCrashes: createLastCrashes(store, TEMPORARY, later),
        buildingTenants: createBuildingTenants(store, TEMPORARY, later),
        neverDeployed: createNeverDeployed(store, TEMPORARY, later),
      },
      later,
    ),
    sourceBucket: SOURCES,
    temporaryBucket: TEMPORARY,
    sourceLimits: { maxBytes: 1000, maxFiles: 5 },
    namespace: FUNCTIONS_NAMESPACE,
    buildsNamespace: 'builds',
    streamLog: async function* () {},
    podsOf: createPodLooks(cluster),
    installation: {
      version: async () => 'v1.34.1',
      apiGroups: async () => ['serving.knative.dev', 'eventing.knative.dev', 'rabbitmq.com'],
      brokers: async () => undefined,
      sources: async () => undefined,
      quotas: async () => [],
      policies: async () => [],
      hasLease: async () => true,
      settings: async () => [],
      certificates: async () => [],
      images: async () => ({ there: [IMAGE], missing: [], closed: [], silent: [] }),
    },
    probeId: () => 'probe',
    eventFeed: createEventFeed(store, TEMPORARY),
    platform: 'laptop',
    version: '1.2.3',
    page: servePage({ uploadOrigins: [] }),
    now: () => new Date(),
    ...changes,
  };
  const running = await run({
    name: 'gateway',
    config: z.object({}),
    events: CLIENT_EVENTS,
    answers: 'clients',
    routes: API_ROUTES,
    dependencies: () => deps,
    handle: gateway,
  });
  const ask = async (path: string, init: RequestInit, as: string): Promise<Answered> => {
    const headers = { ...(as === '' ? {} : { authorization: `Bearer ${as}` }), ...init.headers };
    const answer = await fetch(new URL(`/api/v1${path}`, running.url), { ...init, headers });
    const text = await answer.text();
    const isJson = /[/+]json$/.test(answer.headers.get('content-type') ?? '');
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      json: isJson && text !== '' ? JSON.parse(text) : undefined,
    };
  };
  return {
    running,
    cluster,
    store,
    deps,
    get: (path, as = 'acme.ci', headers = {}) => ask(path, { headers }, as),
    post: (path, body, as = 'acme.ci') => ask(path, { method: 'POST', body: JSON.stringify(body) }, as),
    deploy: async (third_party_id, parser_id, ready = true) => {
      const settings = { namespace: FUNCTIONS_NAMESPACE, progressDeadline: '120s' };
      const service = await cluster.applyService(knativeService(buildOf(third_party_id, parser_id), IMAGE, settings));
      const { name } = service.metadata;
      const conditions = ready
        ? [{ type: 'Ready', status: 'True' }]
        : [
            { type: 'ConfigurationsReady', status: 'False', message: 'Container failed with: no such module' },
            { type: 'Ready', status: 'False', message: 'no ready Revision' },
          ];
      cluster.storage.updateStatus(SERVICES, FUNCTIONS_NAMESPACE, name, {
        observedGeneration: service.metadata.generation ?? 1,
        conditions,
        url: `http://${name}.example`,
        address: { url: `http://${name}.functions.svc` },
        latestReadyRevisionName: `${name}-00001`,
      });
      const labels = { 'serving.knative.dev/service': name };
      cluster.storage.create({
        apiVersion: 'serving.knative.dev/v1',
        kind: 'Revision',
        metadata: { name: `${name}-00001`, namespace: FUNCTIONS_NAMESPACE, labels },
        spec: { containers: [{ image: IMAGE }] },
      });
    },
  };
}

export function buildOf(third_party_id: string, parser_id: string): Build {
  return {
    third_party_id,
    parser_id,
    build_key: 'b'.repeat(64),
    fingerprint: 'f'.repeat(64),
    observed_at: '2026-11-01T00:00:00.000Z',
    correlation_id: `chain-${parser_id}`,
    event_id: 'e1',
    image: 'registry.local/fn:t',
    language: 'node',
    priority: 5,
    parameters: {
      env: { COLOUR: 'blue' },
      secrets: [{ name: 'db', key: 'password', env: 'PASSWORD' }],
      timeout_seconds: 20,
    } as Build['parameters'],
  };
}
