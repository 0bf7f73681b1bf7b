/**
 * The Knative Broker on RabbitMQ, with the rules of local/broker and eventing/. It stores, delivers, retries and
 * dead-letters events; it delivers them twice, late and in any order.
 */
import type { CloudEvent } from 'cloudevents';
import { type Broker, brokerOver } from '#shared/clients/broker.ts';
import { MINUTE, SECOND } from '#shared/durations.ts';
import type { SigningKeys } from '#shared/events/signature.ts';
import { backoff, type DeliverySettings, isRetryable } from '#shared/manifests/delivery-settings.ts';
import type { Answer } from '#shared/runtime/request.ts';
import { signHeaders } from '#shared/runtime/signing.ts';
import { SimulatedProcess } from './process.ts';
import type { Simulation } from './simulation.ts';
import { type Subscription, subscriptionsTo } from './subscriptions.ts';

/** An event in binary mode. */
export interface Message {
  headers: Record<string, string>;
  body: Buffer;
}

export type DeliveryState =
  | 'under way'
  | 'acknowledged'
  | 'dead-lettered'
  | 'lost by the Broker'
  | 'dropped'
  | 'gone with its queue';

export interface Delivery {
  subscription: Subscription;
  message: Message;
  /** Names this delivery in rolls. It is the same in every run that delivers this event this often. */
  label: string;
  state: DeliveryState;
  /** The status of the last answer. */
  code: number;
  /** How often it was delivered again although it had been handled. */
  again: number;
}

export interface Subscribers {
  handle(subscription: Subscription, message: Message, process: SimulatedProcess): Promise<Answer>;
}

/** Is told what happens, so that the run can be judged afterwards. */
export interface Witness {
  /** `subscribed`: who gets it. */
  stored(message: Message, subscribed: Subscription[]): void;
  /** `process` handled the event of `delivery`; its answer is stored. */
  replied(delivery: Delivery, reply: Message, process: SimulatedProcess): void;
}

const TIMED_OUT = -1;
const NO_ANSWER = -1;

export class SimulatedBroker {
  readonly deliveries: Delivery[] = [];
  /** Of functions with a queue of their own, by the uid of the Trigger. */
  readonly #own = new Map<string, Subscription>();
  readonly #simulation: Simulation;
  readonly #subscribers: Subscribers;
  readonly #witness: Witness;
  readonly #keys: SigningKeys | undefined;
  readonly #copies = new Map<string, number>();

  constructor(simulation: Simulation, subscribers: Subscribers, witness: Witness, keys?: SigningKeys) {
    this.#keys = keys;
    this.#simulation = simulation;
    this.#subscribers = subscribers;
    this.#witness = witness;
  }

  /** Does what the ingress does. A sender that gets no answer and sends again may have its event stored twice. */
  async post(process: SimulatedProcess, message: Message): Promise<void> {
    const name = `post ${message.headers['ce-type']} ${message.headers['ce-id']}`;
    await process.step({ system: 'Broker', name, writes: true }, () => this.store(message));
  }

  store(message: Message): void {
    const copy = this.#count(`stored ${idOf(message)}`);
    this.#simulation.trace(
      () =>
        `stored ${message.headers['ce-type']} ${idOf(message)} ${summary(message)} (${message.headers['ce-source']})`,
    );
    const subscribed = subscriptionsTo(message.headers, this.#own.values());
    this.#witness.stored(message, subscribed);
    const twice = this.#simulation.fails('the event is stored twice', `${idOf(message)}~${copy}`, 0.02);
    for (let stored = 0; stored < (twice ? 2 : 1); stored++) {
      for (const subscription of subscribed) {
        this.#enqueue(subscription, message);
      }
    }
  }

  bind(uid: string, subscription: Subscription): void {
    this.#own.set(uid, subscription);
  }

  /** With a Trigger goes its queue, and what is in it. */
  unbind(uid: string): void {
    const subscription = this.#own.get(uid);
    this.#own.delete(uid);
    for (const delivery of this.deliveries) {
      if (delivery.subscription === subscription && delivery.state === 'under way') {
        delivery.state = 'gone with its queue';
        this.#simulation.trace(() => `GONE with its queue: ${delivery.label}`);
      }
    }
  }

  /** That of a function of ours: it signs where events are signed. */
  portOf(process: SimulatedProcess): Broker {
    return brokerOver(({ headers: given, body }, claims) => {
      const headers = { ...given };
      if (this.#keys && claims) {
        signHeaders(headers, body, this.#keys, claims);
      }
      return this.post(process, { headers, body });
    });
  }

  /** Does what the sidecar does, which has no key: it sends again and again until its time is over. */
  async send(process: SimulatedProcess, event: CloudEvent<unknown>, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      try {
        await brokerOver(({ headers, body }) => this.post(process, { headers, body })).send(event);
        return true;
      } catch {
        await this.#simulation.sleep(SECOND);
      }
    }
    return false;
  }

  #enqueue(subscription: Subscription, message: Message): void {
    const name = `${subscription.name} ${idOf(message)}`;
    const label = `${name}~${this.#count(name)}`;
    const delivery: Delivery = { subscription, message, label, state: 'under way', code: 0, again: 0 };
    this.deliveries.push(delivery);
    void this.#deliver(delivery, 1);
  }

  async #deliver(delivery: Delivery, round: number): Promise<void> {
    const simulation = this.#simulation;
    const { settings } = delivery.subscription;
    const where = `${delivery.label}.${round}`;
    const late = simulation.fails('the delivery is delayed', where, 0.03);
    await simulation.sleep(simulation.between(`delivery ${where}`, 1, late ? 3 * MINUTE : 60));
    for (let attempt = 1; !isGone(delivery); attempt++) {
      const process = new SimulatedProcess(`${where}.${attempt}`, simulation);
      const answer = await this.#attempt(delivery, process, settings);
      if (isGone(delivery)) {
        return;
      }
      if (answer === 'stopped') {
        await this.#afterStop(delivery, round, where);
        return;
      }
      const status = typeof answer === 'number' ? answer : answer.statusCode;
      delivery.code = status;
      if (typeof answer !== 'number' && !isRetryable(status)) {
        await this.#succeeded(delivery, answer, process, round);
        return;
      }
      simulation.trace(() => `${process.label} answered ${status} ${typeof answer === 'number' ? '' : answer.body}`);
      if (attempt > settings.retries) {
        this.#deadLetter(delivery, status, where);
        return;
      }
      await simulation.sleep(backoff(settings, attempt));
    }
  }

  async #attempt(
    delivery: Delivery,
    process: SimulatedProcess,
    settings: DeliverySettings,
  ): Promise<Answer | number | 'stopped'> {
    const simulation = this.#simulation;
    const where = process.label;
    if (simulation.fails('nobody answers', where, 0.005)) {
      await simulation.sleep(simulation.between(`nobody ${where}`, 1, 200));
      return NO_ANSWER;
    }
    const outcomes: Promise<Answer | number | 'stopped'>[] = [
      this.#subscribers.handle(delivery.subscription, delivery.message, process),
      process.died.then(() => (simulation.roll(`died ${where}`) < 0.5 ? 502 : NO_ANSWER)),
      simulation.timeout(settings.timeout || 10 * MINUTE).then(() => TIMED_OUT),
    ];
    if (simulation.fails('the dispatcher is stopped', where, 0.008)) {
      // The subscriber works on, because nothing tells it that its dispatcher stopped.
      outcomes.push(simulation.sleep(simulation.between(`stop ${where}`, 1, 400)).then(() => 'stopped'));
    }
    const outcome = await Promise.race(outcomes);
    const isLost = typeof outcome === 'object' && simulation.fails('killed before its reply arrives', where, 0.01);
    return isLost ? 502 : outcome;
  }

  async #succeeded(delivery: Delivery, answer: Answer, process: SimulatedProcess, round: number): Promise<void> {
    const simulation = this.#simulation;
    if (answer.headers['ce-type'] !== undefined) {
      const reply = { headers: answer.headers, body: Buffer.from(answer.body as string) };
      if (!(await this.#forward(delivery, reply, process))) {
        this.#deadLetter(delivery, answer.statusCode, delivery.label);
        return;
      }
    }
    if (simulation.fails('the acknowledgement is lost', process.label, 0.02)) {
      delivery.again += 1;
      await this.#deliver(delivery, round + 1);
      return;
    }
    delivery.state = 'acknowledged';
  }

  /** The dispatcher sends the reply to the Broker, with the same retries. */
  async #forward(delivery: Delivery, reply: Message, handler: SimulatedProcess): Promise<boolean> {
    const { settings } = delivery.subscription;
    for (let attempt = 1; attempt <= settings.retries + 1; attempt++) {
      const dispatcher = new SimulatedProcess(`reply to ${handler.label}#${attempt}`, this.#simulation);
      try {
        await Promise.race([
          this.post(dispatcher, reply),
          dispatcher.died.then(() => {
            throw new Error('the dispatcher died');
          }),
        ]);
        this.#witness.replied(delivery, reply, handler);
        return true;
      } catch {
        await this.#simulation.sleep(backoff(settings, attempt));
      }
    }
    return false;
  }

  /**
   * As was seen on a real cluster: most events are delivered again, some are dead-lettered at once with -1, and a few
   * are lost between the acknowledgement and the dead letter.
   */
  async #afterStop(delivery: Delivery, round: number, where: string): Promise<void> {
    const chance = this.#simulation.roll(`after stop ${where}`);
    if (chance < 0.65) {
      await this.#deliver(delivery, round + 1);
    } else if (chance < 0.9) {
      this.#deadLetter(delivery, NO_ANSWER, where);
    } else {
      this.#lose(delivery);
    }
  }

  #deadLetter(delivery: Delivery, code: number, where: string): void {
    delivery.code = code;
    if (this.#simulation.fails('the dispatcher crashes before the dead letter', where, 0.05)) {
      this.#lose(delivery);
      return;
    }
    const sink = delivery.subscription.deadLetters();
    delivery.state = sink ? 'dead-lettered' : 'dropped';
    this.#simulation.trace(() => `${delivery.state} ${delivery.label} with ${code}`);
    if (sink) {
      const destination = `http://${delivery.subscription.subscriber}.functions.svc.cluster.local`;
      const { headers, body } = delivery.message;
      const told = { 'ce-knativeerrordest': destination, 'ce-knativeerrorcode': String(code) };
      this.#enqueue(sink, { headers: { ...headers, ...told }, body });
    }
  }

  #lose(delivery: Delivery): void {
    delivery.state = 'lost by the Broker';
    this.#simulation.trace(() => `LOST by the Broker: ${delivery.label}`);
  }

  #count(name: string): number {
    const count = (this.#copies.get(name) ?? 0) + 1;
    this.#copies.set(name, count);
    return count;
  }
}

function isGone({ state }: Delivery): boolean {
  return state === 'gone with its queue';
}

/** The first characters of the event's id: short, and the same in every run. */
export function idOf({ headers }: Message): string {
  return (headers['ce-id'] ?? '').slice(0, 12);
}

function summary({ body }: Message): string {
  const { status, reason, job_name, state, observed_at, image_uri } = JSON.parse(body.toString() || '{}');
  return [status, reason, state, job_name, observed_at, image_uri?.slice(-8)].filter(Boolean).join(' ');
}
