/**
 * Events that a hostile tenant sends or forges: whatever they name, nothing of another tenant changes, and what is made
 * is this tenant's.
 */
import type { V1Job } from '@kubernetes/client-node';
import * as fc from 'fast-check';
import pino from 'pino';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { readEnvelope } from '#shared/runtime/envelope.ts';
import { receiveEvent } from '#shared/runtime/received-event.ts';
import { cacheRepository, imageRepository } from '#shared/specs/names.ts';
import { schemaProblems } from '#test/fixtures/crds/schema-problems.ts';
import { type Area, quick } from '#test/fuzz/area.ts';
import { type Fuzzed, functions } from '#test/fuzz/functions.ts';
import { hostileValue, mutated } from '#test/fuzz/hostile.ts';
import { samples } from '#test/fuzz/samples.ts';
import {
  imageOf,
  keyOf,
  nameOf,
  REGISTRY,
  SOURCE_BUCKET,
  TEMPORARY_BUCKET,
  uploaded,
  World,
} from '#test/unit/handlers/world.ts';

const VICTIM = { third_party_id: 'victim', parser_id: 'p1' };

/** Names and values of the victim, and ids that look like the victim's. */
const stolen = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom<unknown>(
      'p1',
      'evil',
      'evil-',
      'Evil',
      'e',
      '-',
      '_',
      'A'.repeat(100),
      'victim-',
      'VICTIM',
      'victim/p1',
      '../victim',
      nameOf('one', VICTIM),
      nameOf('two', VICTIM),
      imageOf(VICTIM),
      imageRepository(REGISTRY, VICTIM),
      keyOf('one'),
      keyOf('two'),
      keyOf('f-one'),
      keyOf('f-two'),
      `contexts/victim/p1/${keyOf('one')}.tar.zst`,
      `logs/victim/p1/${nameOf('one', VICTIM)}.log`,
      'tombstones/victim/p1.json',
      'global/parser/../victim/',
      SOURCE_BUCKET,
      TEMPORARY_BUCKET,
      'job-1',
      `job-${nameOf('one', VICTIM)}-1`,
      `job-${nameOf('two', VICTIM)}-1`,
      'success',
      'failed',
      'cancelled',
      '2026-01-02T11:59:00Z',
      '2030-01-01T00:00:00Z',
      true,
      1,
      10,
    ),
  },
  hostileValue,
);

interface Input {
  /** Index of the function. */
  which: number;
  type: string;
  data: unknown;
}

const input: fc.Arbitrary<Input> = fc
  .nat(functions.length - 1)
  .chain((which) =>
    fc
      .constantFrom(...Object.keys(samples).filter((type) => isTaken(type, which)))
      .chain((type) =>
        fc.record({ which: fc.constant(which), type: fc.constant(type), data: mutated(samples[type], stolen) }),
      ),
  );

function isTaken(type: string, which: number): boolean {
  const { events } = functions[which] as Fuzzed;
  return type in events || '*' in events;
}

export const tenants: Area = {
  name: 'tenants',
  share: 8,
  async start() {
    const property = fc.asyncProperty(
      fc.array(input, { minLength: 1, maxLength: 4 }) as fc.Arbitrary<unknown>,
      async (given) => {
        const world = await twoTenants();
        const before = belongings(world);
        const known = new Set(world.store.keys(TEMPORARY_BUCKET));
        const made = recordMade(world);
        for (const one of given as Input[]) {
          const event = await quick(() => deliver(one, world));
          if (event && tenantOf(event) === 'victim') {
            // The event names the victim as its tenant. Anybody may send that, so it takes effect.
            return;
          }
        }
        if (JSON.stringify(belongings(world)) !== JSON.stringify(before)) {
          throw new Error(`changed what is another tenant's: ${difference(before, belongings(world))}`);
        }
        checkKeys(world, known);
        made.forEach(checkMade);
      },
    );
    return { property, close: async () => undefined };
  },
};

/** The event that the handler was given. Undefined where the schema refused it. */
async function deliver({ which, type, data }: Input, world: World): Promise<ReceivedEvent<unknown> | undefined> {
  const fuzzed = functions[which] as Fuzzed;
  const body = Buffer.from(JSON.stringify(data) ?? '');
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': 'fuzz-1',
    'ce-source': 'fuzz',
    'ce-type': type,
    'content-type': 'application/json',
  };
  const request = { method: 'POST', path: '/', headers, repeated: [], body, size: body.length };
  const { event, problems } = receiveEvent(readEnvelope(request, body.length), fuzzed.events);
  if (problems.length > 0) {
    return undefined;
  }
  try {
    await fuzzed.handle(event, world, { log: pino({ level: 'silent' }), note: () => undefined, request });
  } catch (error) {
    // "Later" and "never" are answers.
    if (!(error instanceof RetryableError) && !(error instanceof PermanentError)) {
      throw error;
    }
  }
  return event;
}

/** Empty where the data names no tenant. */
function tenantOf({ data }: ReceivedEvent<unknown>): string {
  const { third_party_id } = (data ?? {}) as Record<string, unknown>;
  return typeof third_party_id === 'string' ? third_party_id : '';
}

/** The victim has an object of every kind. The hostile tenant has a finished build. */
async function twoTenants(): Promise<World> {
  const world = uploaded(new World());
  await world.running({ identity: VICTIM });
  await world.succeeded({ content: 'two', identity: VICTIM });
  await world.deployed({ content: 'two', identity: VICTIM });
  await world.succeeded({ identity: { ...VICTIM, third_party_id: 'evil' } });
  const put = (key: string, value: object) => world.store.put(TEMPORARY_BUCKET, key, JSON.stringify(value));
  put(`contexts/victim/p1/${keyOf('one')}.tar.zst`, {});
  put('logs/victim/p1/x.log', {});
  put('tombstones/victim/p1.json', {});
  put('requests/victim/p1/0123456789abcdef0123456789abcdef.json', {});
  const identity = { ...VICTIM, image_uri: imageOf(VICTIM), observed_at: '2026-01-02T11:00:00Z' };
  const event = {
    id: '1',
    source: 's',
    type: 'build.complete',
    subject: 'victim/p1',
    time: 't',
    correlationid: 'c',
    causationid: 'd',
  };
  const data = { ...identity, correlation_id: 'c', status: 'success' };
  const times = { started_at: '2026-01-02T11:00:00Z', completed_at: '2026-01-02T11:00:00Z', language: 'node' };
  for (const content of ['f-one', 'f-two']) {
    put(`builds/${keyOf(content)}.json`, {
      ...identity,
      ...times,
      fingerprint: keyOf(content),
      build_key: keyOf('two'),
      event: { ...event, data },
    });
  }
  return world;
}

const annotated = 'knative-lambda/third-party-id';

function belongings({ cluster, store }: World): Record<string, unknown> {
  const objects = [cluster.jobs, cluster.services, cluster.triggers, cluster.pods]
    .flatMap((kind): KubeObject[] => kind.values() as never)
    .filter(
      ({ metadata: { name, annotations } }) =>
        annotations?.[annotated] === 'victim' || name.startsWith(nameOf('two', VICTIM)),
    );
  const keys = store.keys(TEMPORARY_BUCKET).filter((key) => /\/victim\/|^builds\/(?:66)/.test(key));
  return Object.fromEntries([
    ...objects.map((object) => [object.metadata.name + object.kind, object]),
    ...keys.map((key) => [key, store.peek(TEMPORARY_BUCKET, key)?.toString()]),
    ...store.keys(SOURCE_BUCKET).map((key) => [key, store.peek(SOURCE_BUCKET, key)?.toString()]),
  ]);
}

function difference(before: Record<string, unknown>, after: Record<string, unknown>): string {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name])).join(', ');
}

/**
 * Records the objects that handlers create or apply. The fake cluster refuses invalid ones as Kubernetes does, but no
 * handler may make one.
 */
function recordMade({ cluster }: World): KubeObject[] {
  const made: KubeObject[] = [];
  const recording =
    <Given, Answer>(write: (object: Given) => Promise<Answer>) =>
    (object: Given) => {
      made.push(structuredClone(object) as KubeObject);
      return write(object);
    };
  cluster.createJob = recording(cluster.createJob.bind(cluster));
  cluster.applyService = recording(cluster.applyService.bind(cluster));
  cluster.applyTrigger = recording(cluster.applyTrigger.bind(cluster));
  return made;
}

const KEYS = [
  /^(?:answers|contexts|requests)\/[A-Za-z0-9_-]{1,100}\/[A-Za-z0-9_-]{1,100}\/[0-9a-f]{32,64}(?:\.tar\.zst|\.json)$/,
  /^history\/[A-Za-z0-9_-]{1,100}\/[A-Za-z0-9_-]{1,100}\/[0-9a-f]{32}\/[0-9a-f]{32}\.json$/,
  /^history-builds\/[A-Za-z0-9_-]{1,100}\/\d{13}(?:\.[A-Za-z0-9_-]*){6}$/,
  /^history-calls\/[A-Za-z0-9_-]{1,100}\/[A-Za-z0-9_-]{1,100}\/\d{13}-[0-9a-f]{32}\.json$/,
  /^feed\/[\w.:/-]+$/,
  /^begun\/[A-Za-z0-9_-]{1,100}\/\d+\/[0-9a-f]{64}$/,
  /^logs\/[A-Za-z0-9_-]{1,100}\/[A-Za-z0-9_-]{1,100}\/build-[a-z0-9-]+\.log$/,
  /^tombstones\/[A-Za-z0-9_-]{1,100}\/[A-Za-z0-9_-]{1,100}\.json$/,
  /^builds\/[0-9a-f]{64}\.json$/,
  /^dead-letters\/\d{4}-\d\d-\d\d\/[0-9a-f]{32}\.json$/,
];

/** Names that a store and a shell take. */
function checkKeys({ store }: World, known: Set<string>): void {
  for (const key of store.keys(TEMPORARY_BUCKET).filter((one) => !known.has(one))) {
    if (!KEYS.some((pattern) => pattern.test(key))) {
      throw new Error(`wrote an object under ${JSON.stringify(key)}`);
    }
  }
}

/** Names that Kubernetes takes; a Job that reads, writes and pushes in its own tenant's places alone. */
function checkMade(object: KubeObject): void {
  const { apiVersion, kind, spec, metadata } = object;
  const { name, namespace, labels, annotations } = metadata;
  const problems = schemaProblems({
    apiVersion,
    kind,
    metadata: { name, namespace, labels, annotations },
    spec,
  } as never);
  const bytes = Buffer.byteLength(JSON.stringify(annotations));
  if (problems.length > 0 || bytes > 256 * 1024 || !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
    throw new Error(
      `made a ${kind} that Kubernetes refuses: ${name}, ${bytes} bytes of annotations, ${problems.slice(0, 5)}`,
    );
  }
  if (kind === 'Job') {
    checkJob(object as unknown as V1Job);
  }
}

function checkJob(job: V1Job): void {
  const third_party_id = job.metadata?.annotations?.[annotated] ?? '';
  const parser_id = job.metadata?.annotations?.['knative-lambda/parser-id'] ?? '';
  const pod = job.spec?.template.spec;
  const args = pod?.containers[0]?.args ?? [];
  const environment = pod?.initContainers?.flatMap(({ env }) => env ?? []) ?? [];
  const value = (name: string) => environment.find((variable) => variable.name === name)?.value ?? '';
  const rightly =
    args.some((arg) => arg.startsWith(`--destination=${imageRepository(REGISTRY, { third_party_id, parser_id })}:`)) &&
    args.includes(`--cache-repo=${cacheRepository(REGISTRY, { third_party_id })}`) &&
    value('CONTEXT_KEY').startsWith(`contexts/${third_party_id}/${parser_id}/`) &&
    value('CONTEXT_BUCKET') === TEMPORARY_BUCKET &&
    value('LOG_KEY').startsWith(`logs/${third_party_id}/${parser_id}/`);
  if (!rightly) {
    throw new Error(
      `made a Job that reaches beyond its tenant: ${job.metadata?.name} ${args.join(' ')} ${JSON.stringify(environment)}`,
    );
  }
}
