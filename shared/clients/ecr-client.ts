/** A client of ECR's API, with our limits and repeats in place of the SDK's. */
import { ECRClient } from '@aws-sdk/client-ecr';
import { SECOND } from '#shared/durations.ts';
import type { AwsIdentity } from '#shared/settings/aws-identity.ts';
import { awsCredentials } from './aws-identity.ts';
import { ONE_ATTEMPT, throughUpstream } from './aws-upstream.ts';
import { createUpstream, type UpstreamLimits } from './upstream.ts';

const LOOK = 'See whether ECR is well at https://health.aws.amazon.com';

export function createEcrClient(
  identity: AwsIdentity,
  { region, endpoint, limits }: { region: string; endpoint?: string | undefined; limits: UpstreamLimits },
): ECRClient {
  const client = new ECRClient({
    region,
    credentials: awsCredentials(identity),
    maxAttempts: ONE_ATTEMPT,
    requestHandler: { connectionTimeout: 3 * SECOND, socketTimeout: 10 * SECOND },
    ...(endpoint ? { endpoint } : {}),
  });
  client.middlewareStack.add(throughUpstream(createUpstream('ECR', limits, LOOK)), {
    step: 'initialize',
    priority: 'high',
    name: 'throughUpstream',
  });
  return client;
}
