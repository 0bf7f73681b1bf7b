/** What sweep is given in its tests: a world, an ear at the Broker, and metrics that are written down. */
import { Writable } from 'node:stream';
import pino from 'pino';
import * as z from 'zod';
import type { SweepDependencies } from '#functions/sweep/dependencies.ts';
import { sweep } from '#functions/sweep/handler.ts';
import { beginning } from '#functions/sweep/history-place.ts';
import type { Counts } from '#functions/sweep/report.ts';
import { terminalIdOfRequest } from '#shared/builds/terminal-event.ts';
import { brokerOver } from '#shared/clients/broker.ts';
import { MINUTE } from '#shared/durations.ts';
import { FIRST_SEEN } from '#shared/requests/request.ts';
import { readEnvelope } from '#shared/runtime/envelope.ts';
import { receiveEvent } from '#shared/runtime/received-event.ts';
import { type Steps, stepped } from '#test/fakes/stepped.ts';
import { ACME, functionSettings, SLOTS, TEMPORARY_BUCKET, World } from './world.ts';

const MIB = 1024 * 1024;

// biome-ignore lint/suspicious/noExplicitAny: what was sent is what a test is about to find out.
export type Sent = Record<string, any>;

export class SweptWorld extends World {
  /** What the Broker was sent, as it would deliver it. */
  readonly sent: Sent[] = [];
  readonly lines: Record<string, unknown>[] = [];
  readonly history = { bounds: { days: 30, calls: 5, builds: 3 }, place: beginning() };
  readonly measured: { waiting?: number; running?: number; oldest?: number; letter?: number }[] = [];
  broker = brokerOver(async ({ headers, body }) => {
    const request = { method: 'POST', path: '/', headers, repeated: [], body, size: body.length };
    const { event } = receiveEvent(readEnvelope(request, MIB), { '*': z.unknown() });
    this.sent.push(event.original as unknown as Sent);
  });

  /** Kubernetes', S3's and our clock. */
  later(minutes: number): this {
    this.now = new Date(this.now.getTime() + minutes * MINUTE);
    this.store.date = this.now;
    this.cluster.now = this.now;
    return this;
  }

  sweepDependencies(steps?: Steps): SweepDependencies {
    return {
      ...this.deps(steps),
      broker: steps ? stepped(this.broker, steps) : this.broker,
      slots: SLOTS,
      settings: functionSettings,
      history: this.history,
      metrics: {
        swept: () => undefined,
        builds: (waiting, running) => this.measured.push({ waiting, running }),
        oldestRequest: (oldest) => this.measured.push({ oldest }),
        oldestLetter: (letter) => void (letter > 0 && this.measured.push({ letter })),
      },
    };
  }

  log(): pino.Logger {
    const destination = new Writable({
      write: (chunk: Buffer, _, done) => {
        this.lines.push(JSON.parse(chunk.toString()));
        done();
      },
    });
    return pino(destination);
  }

  /** What one run did: what it counted, but for zeros. */
  async swept(steps?: Steps): Promise<Partial<Counts>> {
    await sweep(this.sweepDependencies(steps), { log: this.log() });
    const { swept } = this.lines.at(-1) as { swept: Counts };
    return Object.fromEntries(Object.entries(swept).filter(([, count]) => count !== 0));
  }

  /** A build.start as build-start keeps it; the id of its terminal event. */
  asked(extensions: Record<string, unknown> = {}, identity = ACME, id = 'start-1'): string {
    const event = {
      specversion: '1.0',
      id,
      source: 'client',
      type: 'build.start',
      time: this.now.toISOString(),
      datacontenttype: 'application/json',
      correlationid: 'chain-1',
      data: { ...identity, priority: 5 },
      ...extensions,
    };
    const terminalId = terminalIdOfRequest(event);
    this.store.put(TEMPORARY_BUCKET, requestKey(terminalId, identity), JSON.stringify({ event }));
    return terminalId;
  }

  askedAt(time: string): string {
    return this.asked({ [FIRST_SEEN]: time });
  }
}

export function requestKey(terminalId: string, { third_party_id, parser_id } = ACME): string {
  return `requests/${third_party_id}/${parser_id}/${terminalId}.json`;
}
