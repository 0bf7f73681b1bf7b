/** What the gateway works with. Types only: index.ts makes the real ones, tests and the simulator their own. */
import type { Broker } from '#shared/clients/broker.ts';
import type { Principals } from '#shared/clients/principals.ts';
import type { Authentication } from '#shared/runtime/signing.ts';
import type { Rates } from './rates.ts';
import type { VerifyToken } from './tokens.ts';

export interface GatewayDependencies {
  broker: Pick<Broker, 'publish'>;
  /** Throws RetryableError where they cannot be read. */
  principals: () => Promise<Principals>;
  verify: VerifyToken;
  rates: Rates;
  /** Only where it is required, everybody has to send a token. */
  authentication: Authentication;
  /** SOURCE_PREFIX. */
  sourcePrefix: string;
}
