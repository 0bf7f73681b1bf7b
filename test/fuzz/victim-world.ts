/** The gateway over two tenants: acme, who asks, and mallory, of whom every kind of thing that is kept has a secret. */
import { recorder } from '#functions/recorder/handler.ts';
import { createFeed } from '#shared/history/feed.ts';
import { knativeService } from '#shared/specs/knative-service.ts';
import { identityLabels } from '#shared/specs/labels.ts';
import { uncountedBuilds } from '#test/fakes/build-metrics.ts';
import { FUNCTIONS_NAMESPACE, PODS, SERVICES } from '#test/fakes/cluster.ts';
import { received } from '#test/fakes/received.ts';
import { buildOf, IMAGE, openApiWorld, TEMPORARY } from '#test/unit/gateway/api-world.ts';

/** In everything that is mallory's, and in no id that somebody else could know. */
export const SECRET = 'ZEBRAFINCH';

export interface VictimWorld {
  url: string;
  close(): Promise<void>;
}

const NOW = new Date('2026-11-02T00:00:00Z');

export async function openVictimWorld(): Promise<VictimWorld> {
  const lines = [{ time: NOW.toISOString(), text: `a line of ${SECRET}` }];
  const world = await openApiWorld({
    now: () => NOW,
    streamLog: async function* ({ pod }) {
      yield* pod.includes('hidden') ? lines : [{ time: NOW.toISOString(), text: 'a line of acme' }];
    },
  });
  const { store, cluster } = world;
  const feed = createFeed(store, TEMPORARY, () => NOW);
  const deps = {
    store,
    temporaryBucket: TEMPORARY,
    feed,
    authentication: 'off' as const,
    metrics: uncountedBuilds,
    now: () => NOW,
  };
  const record = async (tenant: string, parser: string, type: string, data: object, attributes: object = {}) => {
    const ids = { third_party_id: tenant, parser_id: parser };
    const event = received(type, { ...ids, ...data }, {
      id: `${type}-${parser}`,
      source: 'knative-lambda',
      subject: `${tenant}/${parser}`,
      time: NOW.toISOString(),
      ...attributes,
    } as never);
    await recorder({ ...event, correlationId: `chain-${parser}` } as never, deps, {} as never);
  };
  const tell = async (tenant: string, parser: string, word: string, letter: string) => {
    const failure = { status: 'failed', reason: 'CompileFailed', error_message: `${word} does not compile. Mend it` };
    await record(tenant, parser, 'build.start', { note: word });
    await record(tenant, parser, 'lifecycle.build.started', { job_name: `build-${parser}` });
    await record(tenant, parser, 'build.complete', failure);
    await record(tenant, parser, 'lifecycle.build.failed', failure);
    const error = { type: 'TypeError', message: word };
    const call = { causationid: `${tenant}.call-${parser}`, id: `answer-${parser}` };
    await record(tenant, parser, 'parser.complete', { succeeded: false, error }, call);
    store.put(TEMPORARY, `logs/${tenant}/${parser}/build-${parser}.log`, `npm error ${word}\n`);
    store.put(TEMPORARY, `uploads/${tenant}/${parser}.json`, JSON.stringify({ files: { [word]: 'a'.repeat(64) } }));
    store.put(
      TEMPORARY,
      `dead-letters/2026-11-02/${letter}.json`,
      JSON.stringify(letterOf(letter, tenant, parser, word)),
    );
  };
  const deploy = async (tenant: string, parser: string, word: string) => {
    const build = buildOf(tenant, parser);
    const parameters = {
      ...build.parameters,
      env: { WORD: word },
      secrets: [{ name: word.toLowerCase(), key: 'k', env: 'E' }],
    };
    const settings = { namespace: FUNCTIONS_NAMESPACE, progressDeadline: '120s' };
    const service = await cluster.applyService(knativeService({ ...build, parameters } as never, IMAGE, settings));
    const { name } = service.metadata;
    cluster.storage.updateStatus(SERVICES, FUNCTIONS_NAMESPACE, name, {
      observedGeneration: 1,
      conditions: [{ type: 'Ready', status: 'False', message: `${word} does not start` }],
      url: `http://${word}.example`,
    });
    cluster.storage.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `${name}-${word.toLowerCase()}`,
        namespace: FUNCTIONS_NAMESPACE,
        labels: { 'serving.knative.dev/service': name, ...identityLabels(build, 'function', name) },
      },
      spec: { containers: [{ name: 'user-container', image: IMAGE }] },
    });
    const containerStatuses = [{ name: 'user-container', restartCount: 0, state: { running: {} } }];
    cluster.storage.updateStatus(PODS, FUNCTIONS_NAMESPACE, `${name}-${word.toLowerCase()}`, { containerStatuses });
  };
  await tell('acme', 'a1', 'of-acme', '1'.repeat(32));
  await deploy('acme', 'a1', 'of-acme');
  await tell('mallory', 'hidden1', SECRET, '7'.repeat(32));
  await deploy('mallory', 'hidden1', SECRET);
  await tell('mallory', 'hidden2', SECRET, '6'.repeat(32));
  return { url: world.running.url.slice(0, -1), close: async () => await world.running.close() };
}

function letterOf(id: string, tenant: string, parser: string, word: string) {
  const subject = `${tenant}/${parser}`;
  const attributes = { specversion: '1.0', id: `${tenant}.e-${parser}`, source: 'x', subject, type: 'parser.start' };
  return {
    id,
    subject,
    category: 'permanent',
    reason: 'NoSuchFunction',
    message: `${word} is not there. Deploy it`,
    last_at: NOW.toISOString(),
    event: { ...attributes, data: { word } },
  };
}
