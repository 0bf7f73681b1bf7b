/**
 * Our credentials for AWS: a key pair, else the pod's own identity. Never the SDK's default chain, which probes files
 * and link-local addresses.
 */
import type { S3ClientConfig } from '@aws-sdk/client-s3';

export interface AwsIdentity {
  AWS_REGION: string;
  AWS_ACCESS_KEY_ID?: string | undefined;
  AWS_SECRET_ACCESS_KEY?: string | undefined;
  AWS_SESSION_TOKEN?: string | undefined;
  AWS_ROLE_ARN?: string | undefined;
  AWS_WEB_IDENTITY_TOKEN_FILE?: string | undefined;
  AWS_CONTAINER_CREDENTIALS_FULL_URI?: string | undefined;
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE?: string | undefined;
}

/** Throws a plain Error where the configuration names no identity. */
export function awsCredentials(identity: AwsIdentity): NonNullable<S3ClientConfig['credentials']> {
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
  const uri = identity.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  if (uri) {
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
  throw new Error(
    'no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (Secret knative-lambda-s3), or bind the pod’s service account to a role (AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, or EKS Pod Identity)',
  );
}
