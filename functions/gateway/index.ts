/** Starts the gateway with a real Broker and Kubernetes. */
import { defineFunction } from '#shared/runtime/define-function.ts';
import { configFor } from '#shared/settings/select.ts';
import { CLIENT_EVENTS } from './bind.ts';
import { gateway } from './handler.ts';
import { createRates } from './rates.ts';
import { readPrincipals } from './read-principals.ts';

await defineFunction({
  name: 'gateway',
  config: configFor('gateway'),
  events: CLIENT_EVENTS,
  answers: 'clients',
  dependencies: async (config) => {
    const [{ createBroker }, { createIdentitySource }, { createVerifyToken }] = await Promise.all([
      import('#shared/clients/broker.ts'),
      import('#shared/clients/identity-source.ts'),
      import('./tokens.ts'),
    ]);
    const source = createIdentitySource(config);
    return {
      broker: createBroker(config),
      principals: readPrincipals(source.principals),
      verify: createVerifyToken(source),
      rates: createRates(),
      authentication: config.AUTHENTICATION,
      sourcePrefix: config.SOURCE_PREFIX,
    };
  },
  handle: gateway,
});
