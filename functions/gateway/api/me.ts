/** Who asks, and where: what a client needs to know before anything else. */
import { meSchema } from '#shared/api/schemas.ts';
import { operation } from './operation.ts';

export const getMe = operation({
  method: 'GET',
  path: '/me',
  says: 'Who you are, what you may see, and what answers.',
  answers: { one: meSchema },
  handle: async ({ principal }, { authentication, version, platform, namespace }) => ({
    principal: principal.name,
    operator: principal.operator,
    third_party_ids: principal.third_party_ids,
    authentication,
    version,
    platform,
    namespace,
  }),
});
