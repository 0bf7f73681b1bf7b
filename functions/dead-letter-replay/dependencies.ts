/** What dead-letter-replay works with. Types only: index.ts makes the real ones, tests and the simulator their own. */
import type { Broker } from '#shared/clients/broker.ts';
import type { LetterBox } from '#shared/dead-letters/letter-box.ts';

export interface DeadLetterReplayDependencies {
  box: LetterBox;
  broker: Pick<Broker, 'publish'>;
  now: () => Date;
  sleep: (milliseconds: number) => Promise<unknown>;
}
