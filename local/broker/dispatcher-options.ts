/** What a dispatcher pod is told by its controller. */

import type { DeliverySettings } from '#shared/manifests/delivery-settings.ts';
import type { Address } from './address.ts';
import type { Exchange } from './exchange.ts';
import type { Queue } from './queue.ts';
import type { Tap } from './tap.ts';
import type { Sleep } from './with-retries.ts';

export interface DispatcherOptions {
  /** `namespace/name` of the Trigger, or of the Broker for its own dead letters. */
  name: string;
  queue: Queue;
  subscriber: Address;
  /** Where replies go. */
  ingress: Address;
  settings: DeliverySettings;
  parallelism: number;
  /** `none`: failed events are dropped. `missing`: an exchange that was never made. `this is one`: what fails here is dropped too. */
  deadLetters: Exchange | 'none' | 'missing' | 'this is one';
  sleep: Sleep;
  tap: Tap;
}
