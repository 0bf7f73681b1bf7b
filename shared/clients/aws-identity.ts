/**
 * Our credentials for AWS: a key pair, else the pod's own identity. Never the SDK's default chain, which probes files
 * and link-local addresses.
 */
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { type AwsIdentity, awsIdentityProblem } from '#shared/settings/aws-identity.ts';

/** Throws a plain Error where the configuration names no identity. */
export function awsCredentials(identity: AwsIdentity): NonNullable<S3ClientConfig['credentials']> {
  const problem = awsIdentityProblem(identity);
  if (problem !== undefined) {
    throw new Error(problem);
  }
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = identity;
  if (accessKeyId && secretAccessKey) {
    const sessionToken = identity.AWS_SESSION_TOKEN;
    return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  }
  const { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: webIdentityTokenFile } = identity;
  if (roleArn && webIdentityTokenFile) {
    return async (properties) => {
      const { fromTokenFile } = await import('@aws-sdk/credential-provider-web-identity');
      const provide = fromTokenFile({
        roleArn,
        webIdentityTokenFile,
        roleSessionName: 'knative-lambda',
        clientConfig: { region: identity.AWS_REGION },
      });
      return await provide(properties);
    };
  }
  const uri = identity.AWS_CONTAINER_CREDENTIALS_FULL_URI ?? '';
  const tokenFile = identity.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  return async () => {
    const { fromHttp } = await import('@aws-sdk/credential-provider-http');
    return await fromHttp({
      awsContainerCredentialsFullUri: uri,
      ...(tokenFile ? { awsContainerAuthorizationTokenFile: tokenFile } : {}),
      maxRetries: 1,
      timeout: 2000,
    })();
  };
}
