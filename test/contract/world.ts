/**
 * The suite's hands and eyes: it sends events, puts objects, reads Kubernetes, and knows every event the broker
 * delivers.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import {
  type _Object,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { ApiException, KubeConfig, type KubernetesObject, KubernetesObjectApi } from '@kubernetes/client-node';
import { type CloudEvent, HTTP } from 'cloudevents';
import { inject, onTestFinished } from 'vitest';
import { type Identity, idSchema } from '#shared/events/identity.ts';
import { signHeaders, signingKeys } from '#shared/runtime/signing.ts';
import { follow } from './follow.ts';
import { binary, type EventToSend, post } from './post.ts';
import type { Recorded } from './probe.ts';
import { subscribe } from './subscribe.ts';
import { PATIENCE, until } from './until.ts';

// biome-ignore lint/suspicious/noExplicitAny: what a recorded event carries is what a test is about to find out.
export type RecordedEvent = CloudEvent<any>;

/** What a test looks into; every kind has its own shape. */
// biome-ignore lint/suspicious/noExplicitAny: see above.
export type AnyObject = KubernetesObject & { spec?: any; status?: any };

/** How the calls of its functions reach them: `own`, `shared`, or what the platform does by itself. */
export const DELIVERY = process.env['DELIVERY'];

/** Of a gateway that starts on a busy machine. In milliseconds. */
const SILENCE = 60_000;

/** Clocks may differ. */
const SKEW_MILLISECONDS = 300_000;

export class World {
  readonly platform = inject('platform');
  readonly events: RecordedEvent[] = [];
  readonly #deliveries: Recorded[] = [];
  readonly #opened = Date.now();
  readonly #letters = new Map<string, string>();
  readonly #s3 = new S3Client({ ...this.platform.s3, forcePathStyle: true });
  readonly #kubernetes: KubernetesObjectApi;
  readonly #closing = new AbortController();
  readonly #parsers = new Set<string>();
  readonly #prefixes = new Set<string>();

  constructor() {
    const config = new KubeConfig();
    config.loadFromString(this.platform.kubeconfig);
    this.#kubernetes = KubernetesObjectApi.makeApiClient(config);
  }

  get buildsNamespace(): string {
    return `${this.platform.namespace}-builds`;
  }

  /** Sees every event of the broker from now on. */
  async open(): Promise<this> {
    const keep = (record: Recorded) => {
      if (record.path === '/') {
        this.events.push(HTTP.toEvent(record) as RecordedEvent);
      } else {
        this.#deliveries.push(record);
      }
    };
    await follow(this.platform.probe.url, keep, { signal: this.#closing.signal });
    return this;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.forget(...this.#parsers);
    for (const prefix of this.#prefixes) {
      await this.clear(this.platform.sourceBucket, prefix);
    }
    this.#s3.destroy();
  }

  /** A function that no other test knows. It goes when the test ends. */
  parser(role: string, thirdParty = 'acme'): Identity {
    const identity = this.lastingParser(role, thirdParty);
    onTestFinished(() => this.forget(identity.parser_id));
    return identity;
  }

  /** It goes when the world closes. */
  lastingParser(role: string, thirdParty = 'acme'): Identity {
    const parser_id = `${role}-${this.platform.run}-${randomBytes(2).toString('hex')}`;
    this.#parsers.add(parser_id);
    return { third_party_id: thirdParty, parser_id };
  }

  /** Deletes the functions and Jobs of these parsers, and of those whose ids begin with theirs. */
  async forget(...parsers: string[]): Promise<void> {
    const isOurs = ({ metadata }: AnyObject) =>
      parsers.some((parser) => metadata?.annotations?.['knative-lambda/parser-id']?.startsWith(parser));
    const kinds = [
      ['serving.knative.dev/v1', 'Service', this.platform.namespace],
      ['eventing.knative.dev/v1', 'Trigger', this.platform.namespace],
      ['batch/v1', 'Job', this.buildsNamespace],
    ] as const;
    for (const [apiVersion, kind, namespace] of kinds) {
      const ours = (await this.list(apiVersion, kind, namespace)).filter(isOurs);
      await Promise.all(ours.map(({ metadata }) => this.remove(apiVersion, kind, metadata?.name ?? '', namespace)));
    }
  }

  /** POSTs to the broker in binary mode, signed where it has to be; the status it answered. */
  async send(event: EventToSend): Promise<number> {
    const message = binary(this.#asDelivered(event));
    const keys = signingKeys({ EVENT_KEY: this.platform.eventKey });
    if (keys) {
      const { third_party_id } = (event.data ?? {}) as { third_party_id?: unknown };
      const tenant = event.subject?.includes('/') ? undefined : idSchema.safeParse(third_party_id).data;
      signHeaders(message.headers, message.body, keys, tenant === undefined ? {} : { tenant });
    }
    return (await post(new URL(this.platform.brokerUrl), message)).status;
  }

  /** POSTs to the broker as somebody does who has no key. */
  async sendUnsigned(event: EventToSend): Promise<number> {
    return (await post(new URL(this.platform.brokerUrl), binary(event))).status;
  }

  /** POSTs to the gateway, with that bearer token. */
  async sendAs(token: string, event: EventToSend): Promise<{ status: number; json: Record<string, unknown> }> {
    const extensions = { ...event.extensions };
    const { status, body } = await this.call('gateway', { ...event, extensions }, { authorization: `Bearer ${token}` });
    return { status, json: body.startsWith('{') ? JSON.parse(body) : {} };
  }

  /** Asks the API of the gateway: GET, or POST with a body. */
  async api(
    path: string,
    { body, token, headers = {} }: { body?: unknown; token?: string; headers?: Record<string, string> } = {},
    // biome-ignore lint/suspicious/noExplicitAny: whatever was answered.
  ): Promise<{ status: number; text: string; json: any; headers: IncomingHttpHeaders }> {
    const host = `gateway.${this.platform.namespace}.svc.cluster.local`;
    const authorization: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
    const url = new URL(`/api/v1${path}`, this.platform.gatewayUrl);
    const message = { headers: { ...headers, ...authorization, host }, body: JSON.stringify(body ?? {}) };
    const read = () => post(url, message, 'GET', SILENCE);
    // Read again where the connection breaks: another test kills the gateway's pod.
    const answer = body === undefined ? await read().catch(read) : await post(url, message);
    const isJson = /[/+]json$/.test(answer.headers['content-type'] ?? '');
    const json = isJson && answer.body !== '' ? JSON.parse(answer.body) : undefined;
    return { status: answer.status, text: answer.body, json, headers: answer.headers };
  }

  /** Puts what an address of the API was signed for, by the way in which the suite reaches S3. */
  async putSigned({ url, headers }: { url: string; headers: Record<string, string> }, body: string): Promise<number> {
    const { host, pathname, search } = new URL(url);
    const length = { 'content-length': String(Buffer.byteLength(body)) };
    const target = new URL(pathname + search, this.platform.s3.endpoint);
    return (await post(target, { headers: { ...headers, ...length, host }, body }, 'PUT')).status;
  }

  /** With the way of delivery that the suite runs in. Requests that make no function of ours stay as they are. */
  #asDelivered(event: EventToSend): EventToSend {
    const { parser_id, parameters } = (event.data ?? {}) as { parser_id?: string; parameters?: object };
    return event.type === 'build.start' && DELIVERY && parser_id !== undefined && this.#parsers.has(parser_id)
      ? { ...event, data: { ...(event.data as object), parameters: { delivery: DELIVERY, ...parameters } } }
      : event;
  }

  /** Calls a function through the gateway, as one in the cluster would by its name. */
  async call(
    service: string,
    event: EventToSend,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
    const message = binary(event);
    Object.assign(message.headers, headers);
    message.headers['host'] = `${service}.${this.platform.namespace}.svc.cluster.local`;
    return post(new URL(this.platform.gatewayUrl), message);
  }

  /** The recorded event for which `matches` holds, once there is one. */
  async seen(
    type: string,
    identity: Identity,
    matches: (event: RecordedEvent) => boolean = () => true,
    seconds = 60,
  ): Promise<RecordedEvent> {
    return until(
      `${type} of ${identity.third_party_id}/${identity.parser_id}`,
      () => this.of(type, identity).find(matches),
      seconds,
      () => this.story(identity),
    );
  }

  of(type: string, identity: Identity): RecordedEvent[] {
    return this.events.filter(
      (event) => event.type === type && event.subject === `${identity.third_party_id}/${identity.parser_id}`,
    );
  }

  /** The distinct terminal events of a function's builds, oldest first. */
  endings(identity: Identity): RecordedEvent[] {
    return [
      ...new Map(this.of('build.complete', identity).map((event) => [`${event.source} ${event.id}`, event])).values(),
    ];
  }

  /** What happened to one function, for the message of a failed wait. */
  story(identity: Identity): string {
    return this.events
      .filter((event) => event.subject === `${identity.third_party_id}/${identity.parser_id}`)
      .map((event) => `${event.type} ${JSON.stringify(event.data)?.slice(0, 300)}`)
      .join('\n');
  }

  /** Answers those names that this S3 keeps under other ones: where keys are paths of a file system, some cannot be. */
  async upload(identity: Identity, files: Record<string, string | Buffer>): Promise<string[]> {
    const { sourceBucket } = this.platform;
    const prefix = this.prefixOf(identity);
    this.#prefixes.add(prefix);
    await this.clear(sourceBucket, prefix);
    for (const [name, body] of Object.entries(files)) {
      await this.put(sourceBucket, `${prefix}${name}`, body);
    }
    const held = await this.keys(sourceBucket, prefix);
    const missing = Object.keys(files).filter((name) => !held.includes(`${prefix}${name}`));
    for (const name of missing) {
      // One by one: the XML that names many cannot name them all.
      await this.#s3.send(new DeleteObjectCommand({ Bucket: sourceBucket, Key: `${prefix}${name}` }));
    }
    return missing;
  }

  /** Where its source lies. */
  prefixOf({ third_party_id, parser_id }: Identity): string {
    return this.platform.sourcePrefix
      .replaceAll('{third_party_id}', third_party_id)
      .replaceAll('{parser_id}', parser_id);
  }

  async put(bucket: string, key: string, body: string | Buffer): Promise<void> {
    await this.#s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  }

  async read(bucket: string, key: string): Promise<string> {
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToString()) ?? '';
  }

  async keys(bucket: string, prefix: string): Promise<string[]> {
    return (await this.#list(bucket, prefix)).map(({ Key }) => Key);
  }

  async #list(bucket: string, prefix: string): Promise<(_Object & { Key: string })[]> {
    const objects: (_Object & { Key: string })[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await this.#s3.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken, EncodingType: 'url' }),
      );
      const decode = page.EncodingType === 'url' ? decodeKey : (key: string) => key;
      objects.push(...(page.Contents ?? []).map((object) => ({ ...object, Key: decode(object.Key ?? '') })));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken);
    return objects;
  }

  async clear(bucket: string, prefix: string): Promise<void> {
    const keys = await this.keys(bucket, prefix);
    if (keys.length > 0) {
      await this.#s3.send(
        new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }),
      );
    }
  }

  /** The dead letters kept since this world was opened whose text contains `needle`. */
  async deadLetters(needle: string): Promise<Record<string, unknown>[]> {
    const bucket = this.platform.temporaryBucket;
    const recent = (await this.#list(bucket, 'dead-letters/')).filter(
      ({ LastModified = new Date() }) => LastModified.getTime() > this.#opened - SKEW_MILLISECONDS,
    );
    const letters = await Promise.all(
      recent.map(async ({ Key, ETag = '' }) => {
        // Each is read once: on a cluster that others use there may be many.
        const version = `${Key} ${ETag}`;
        const letter = this.#letters.get(version) ?? (await this.read(bucket, Key).catch(() => ''));
        this.#letters.set(version, letter);
        return letter;
      }),
    );
    return letters
      .filter((letter) => letter.includes(needle))
      .map((letter) => JSON.parse(letter) as Record<string, unknown>);
  }

  /** What the broker delivered to `answer/…`, oldest first. */
  deliveries(path: string): Recorded[] {
    return this.#deliveries.filter((record) => record.path === `/${path}`);
  }

  /** The probe answers as the path says: see probe.ts. Unsubscribed when the test ends. */
  async subscribe(name: string, path: string, attributes: Record<string, string>): Promise<void> {
    onTestFinished(() => this.remove('eventing.knative.dev/v1', 'Trigger', name));
    const { namespace, probe } = this.platform;
    const subscription = { name, namespace, uri: `${probe.subscriber}/${path}`, attributes };
    await subscribe(this.#kubernetes, subscription, 30 * PATIENCE);
  }

  /** What the functions of ours are set to. */
  async config(): Promise<Record<string, string>> {
    const { data = {} } = (await this.object('v1', 'ConfigMap', 'knative-lambda-config')) as AnyObject & {
      data?: Record<string, string>;
    };
    return data;
  }

  /** Throws where there is none. */
  async object(
    apiVersion: string,
    kind: string,
    name: string,
    namespace = this.platform.namespace,
  ): Promise<AnyObject> {
    return this.#kubernetes.read({ apiVersion, kind, metadata: { name, namespace } });
  }

  async list(apiVersion: string, kind: string, namespace = this.platform.namespace): Promise<AnyObject[]> {
    return (await this.#kubernetes.list<AnyObject>(apiVersion, kind, namespace)).items;
  }

  /** All objects of a kind that stand for one function. */
  async objects(
    apiVersion: string,
    kind: string,
    identity: Identity,
    namespace = this.platform.namespace,
  ): Promise<AnyObject[]> {
    return (await this.list(apiVersion, kind, namespace)).filter(
      ({ metadata }) =>
        metadata?.annotations?.['knative-lambda/third-party-id'] === identity.third_party_id &&
        metadata.annotations['knative-lambda/parser-id'] === identity.parser_id,
    );
  }

  async jobs(identity: Identity): Promise<AnyObject[]> {
    return this.objects('batch/v1', 'Job', identity, this.buildsNamespace);
  }

  async services(identity: Identity): Promise<AnyObject[]> {
    return this.objects('serving.knative.dev/v1', 'Service', identity);
  }

  async triggers(identity: Identity): Promise<AnyObject[]> {
    return this.objects('eventing.knative.dev/v1', 'Trigger', identity);
  }

  async pods(selector: string, namespace = this.platform.namespace): Promise<AnyObject[]> {
    const { items } = await this.#kubernetes.list<AnyObject>(
      'v1',
      'Pod',
      namespace,
      undefined,
      undefined,
      undefined,
      undefined,
      selector,
    );
    return items;
  }

  async create(object: AnyObject & { stringData?: Record<string, string> }): Promise<void> {
    await this.#kubernetes.create(object);
  }

  async patch(object: AnyObject & { stringData?: Record<string, string> }): Promise<void> {
    await this.#kubernetes.patch(
      object,
      undefined,
      undefined,
      undefined,
      undefined,
      'application/merge-patch+json' as never,
    );
  }

  /** One that is gone is no failure. */
  async remove(apiVersion: string, kind: string, name: string, namespace = this.platform.namespace): Promise<void> {
    const object = { apiVersion, kind, metadata: { name, namespace } };
    await this.#kubernetes
      .delete(object, undefined, undefined, undefined, undefined, 'Background')
      .catch((error: unknown) => {
        if (!(error instanceof ApiException) || error.code !== 404) {
          throw error;
        }
      });
  }
}

function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', '%20'));
}
