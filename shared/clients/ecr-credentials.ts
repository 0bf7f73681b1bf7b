/** The credentials of an ECR registry, for which it asks AWS. Loaded only where an image is in ECR. */
import { GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { HOUR, MINUTE } from '#shared/durations.ts';
import type { AwsIdentity } from '#shared/settings/aws-identity.ts';
import { awsError } from './aws-failure.ts';
import { createEcrClient } from './ecr-client.ts';
import type { RegistryCredentials } from './registry-credentials.ts';

export interface EcrCredentials {
  /** Throws RetryableError('Unavailable' | 'Throttled') or PermanentError('Forbidden' | 'Refused'). */
  read(): Promise<RegistryCredentials>;
  /** Asks AWS at the next call. */
  forget(): void;
}

const LIMITS = { atOnce: 4, perSecond: 10, burst: 20 };
/** A push that begins with a token has to end with it. A token is valid for 12 hours. */
const SPARE = 30 * MINUTE;
const LIFETIME = 12 * HOUR;

/** One token serves all registries that the identity may use, in one region. */
export function ecrCredentials(identity: AwsIdentity, region: string, endpoint?: string): EcrCredentials {
  const client = createEcrClient(identity, { region, endpoint, limits: LIMITS });
  let token: { credentials: Promise<RegistryCredentials>; until: number } | undefined;

  async function ask(kept: NonNullable<typeof token>): Promise<RegistryCredentials> {
    const doing = `asking for an authorization token in ${region}`;
    try {
      const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}));
      const { authorizationToken = '', expiresAt } = authorizationData?.[0] ?? {};
      kept.until = (expiresAt?.getTime() ?? Date.now() + LIFETIME) - SPARE;
      const [username = '', password = ''] = Buffer.from(authorizationToken, 'base64').toString().split(':');
      return { username, password };
    } catch (error) {
      token = undefined;
      const advice = 'Check the policy of the role: it needs ecr:GetAuthorizationToken';
      throw awsError(error, doing, { system: 'ECR', advice });
    }
  }

  return {
    async read() {
      if (!token || token.until <= Date.now()) {
        const kept = { until: Number.POSITIVE_INFINITY } as NonNullable<typeof token>;
        kept.credentials = ask(kept);
        token = kept;
      }
      return await token.credentials;
    },
    forget() {
      token = undefined;
    },
  };
}
