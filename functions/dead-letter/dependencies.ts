/** What dead-letter works with. Types only: index.ts makes the real ones, tests and the simulator their own. */
import type { Broker } from '#shared/clients/broker.ts';
import type { Listens } from '#shared/clients/listens.ts';
import type { Keeping } from './keep-letter.ts';

export interface DeadLetterDependencies extends Keeping {
  broker: Pick<Broker, 'publish'>;
  listens: Listens;
}
