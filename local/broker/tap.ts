/** What passes through the Broker, told as it happens, for people to read. Names are `namespace/name`. */
import type { BrokerEvent } from './broker-event.ts';

export type TapEntry =
  | {
      kind: 'published';
      broker: string;
      event: BrokerEvent;
      /** How many Triggers took it; with none it is gone. */
      triggers: number;
    }
  | {
      kind: 'delivered';
      /** The Trigger, or the Broker where this is one of its dead letters. */
      trigger: string;
      event: BrokerEvent;
      subscriber: string;
      /** HTTP status; -1 where no answer came. */
      status: number;
      /** From 1. */
      attempt: number;
      ms: number;
      reply?: BrokerEvent;
      /** Whether it went to a deadLetterSink. */
      deadLetter: boolean;
    }
  | {
      /**
       * Every attempt failed, or the reply could not be published. `dropped` is the end; a dead letter goes on to its
       * sink.
       */
      kind: 'dead-lettered' | 'dropped';
      trigger: string;
      event: BrokerEvent;
      status: number;
    };

export type Tap = (entry: TapEntry) => void;
