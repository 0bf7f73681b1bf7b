/** The suite's hands and eyes: it sends events, puts objects, reads Kubernetes, and records every event the broker delivers. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { KubeConfig, type KubernetesObject, KubernetesObjectApi } from '@kubernetes/client-node';
import { type CloudEvent, HTTP } from 'cloudevents';
import { inject } from 'vitest';
import type { Identity } from '#shared/events/identity.ts';
import { binary, type EventToSend, post } from './post.ts';
import { until } from './until.ts';

export const SOURCE_BUCKET = 'knative-lambda-source';
export const TEMPORARY_BUCKET = 'knative-lambda-tmp';

// biome-ignore lint/suspicious/noExplicitAny: what a recorded event carries is what a test is about to find out.
export type RecordedEvent = CloudEvent<any>;

/** What a test looks into; every kind has its own shape. */
// biome-ignore lint/suspicious/noExplicitAny: see above.
export type AnyObject = KubernetesObject & { spec?: any; status?: any };

export class World {
  readonly platform = inject('platform');
  readonly events: RecordedEvent[] = [];
  readonly #s3 = new S3Client({
    endpoint: this.platform.s3Url,
    region: process.env['AWS_REGION'] ?? 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? 'test',
      secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'] ?? 'testtesttest',
    },
  });
  readonly #kubernetes: KubernetesObjectApi;
  readonly #recorderName = `recorder-${randomBytes(4).toString('hex')}`;
  #recorder: Server | undefined;

  constructor() {
    const config = new KubeConfig();
    config.loadFromFile(this.platform.kubeconfig);
    this.#kubernetes = KubernetesObjectApi.makeApiClient(config);
  }

  get buildsNamespace(): string {
    return `${this.platform.namespace}-builds`;
  }

  /** Subscribes to every event of the broker. */
  async open(): Promise<this> {
    this.#recorder = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.events.push(
          HTTP.toEvent({ headers: request.headers, body: Buffer.concat(chunks).toString() }) as RecordedEvent,
        );
        response.writeHead(202).end();
      });
    });
    await new Promise<void>((resolve) => this.#recorder?.listen(0, '127.0.0.1', resolve));
    const { port } = this.#recorder.address() as AddressInfo;
    await this.subscribe(this.#recorderName, `http://${process.env['RECORDER_HOST'] ?? '127.0.0.1'}:${port}/`, {});
    return this;
  }

  async close(): Promise<void> {
    await this.remove('eventing.knative.dev/v1', 'Trigger', this.#recorderName);
    this.#recorder?.closeAllConnections();
    await new Promise((resolve) => this.#recorder?.close(resolve));
    this.#s3.destroy();
  }

  /** A function that no other test knows. */
  parser(role: string, thirdParty = 'acme'): Identity {
    return { third_party_id: thirdParty, parser_id: `${role}-${randomBytes(4).toString('hex')}` };
  }

  /** POSTs to the broker in binary mode; the status it answered. */
  async send(event: EventToSend): Promise<number> {
    return (await post(new URL(this.platform.brokerUrl), binary(event))).status;
  }

  /** Calls a function through the gateway, as one in the cluster would by its name. */
  async call(
    service: string,
    event: EventToSend,
  ): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
    const message = binary(event);
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

  async upload(identity: Identity, files: Record<string, string | Buffer>): Promise<void> {
    await this.clear(SOURCE_BUCKET, `global/parser/${identity.parser_id}/`);
    for (const [name, body] of Object.entries(files)) {
      await this.put(SOURCE_BUCKET, `global/parser/${identity.parser_id}/${name}`, body);
    }
  }

  async put(bucket: string, key: string, body: string | Buffer): Promise<void> {
    await this.#s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  }

  async read(bucket: string, key: string): Promise<string> {
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToString()) ?? '';
  }

  async keys(bucket: string, prefix: string): Promise<string[]> {
    const keys: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await this.#s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken }));
      keys.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken);
    return keys;
  }

  async clear(bucket: string, prefix: string): Promise<void> {
    const keys = await this.keys(bucket, prefix);
    if (keys.length > 0) {
      await this.#s3.send(
        new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }),
      );
    }
  }

  /** The kept dead letters whose text contains `needle`. */
  async deadLetters(needle: string): Promise<Record<string, unknown>[]> {
    const letters = await Promise.all(
      (await this.keys(TEMPORARY_BUCKET, 'dead-letters/')).map((key) => this.read(TEMPORARY_BUCKET, key)),
    );
    return letters
      .filter((letter) => letter.includes(needle))
      .map((letter) => JSON.parse(letter) as Record<string, unknown>);
  }

  async subscribe(name: string, uri: string, attributes: Record<string, string>): Promise<void> {
    const trigger = {
      apiVersion: 'eventing.knative.dev/v1',
      kind: 'Trigger',
      metadata: {
        name,
        namespace: this.platform.namespace,
        annotations: { 'rabbitmq.eventing.knative.dev/parallelism': '20' },
      },
      spec: {
        broker: 'default',
        ...(Object.keys(attributes).length > 0 ? { filter: { attributes } } : {}),
        subscriber: { uri },
      },
    };
    await this.#kubernetes.create(trigger);
    await until(`Trigger ${name} to be Ready`, async () => {
      const { status } = await this.object('eventing.knative.dev/v1', 'Trigger', name);
      return status?.conditions?.some(
        (condition: { type: string; status: string }) => condition.type === 'Ready' && condition.status === 'True',
      );
    });
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

  /** All objects of a kind that stand for one function. */
  async objects(
    apiVersion: string,
    kind: string,
    identity: Identity,
    namespace = this.platform.namespace,
  ): Promise<AnyObject[]> {
    const { items } = await this.#kubernetes.list<AnyObject>(apiVersion, kind, namespace);
    return items.filter(
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

  async patch(object: AnyObject): Promise<void> {
    await this.#kubernetes.patch(
      object,
      undefined,
      undefined,
      undefined,
      undefined,
      'application/merge-patch+json' as never,
    );
  }

  async remove(apiVersion: string, kind: string, name: string, namespace = this.platform.namespace): Promise<void> {
    await this.#kubernetes.delete({ apiVersion, kind, metadata: { name, namespace } });
  }
}
