/** Who a process is to AWS, as its settings say it. */

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

/** What to set if there is neither a key pair nor an identity of the pod, or half a pair. Undefined if all is well. */
export function awsIdentityProblem(identity: Omit<AwsIdentity, 'AWS_REGION'>): string | undefined {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = identity;
  if (Boolean(id) !== Boolean(secret)) {
    const [set, missing] = id
      ? ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']
      : ['AWS_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID'];
    return `half a key pair: ${set} is set and ${missing} is not; set both (Secret knative-lambda-s3), or neither where the pod has an identity of its own`;
  }
  const hasRole = identity.AWS_ROLE_ARN && identity.AWS_WEB_IDENTITY_TOKEN_FILE;
  return id || hasRole || identity.AWS_CONTAINER_CREDENTIALS_FULL_URI
    ? undefined
    : 'no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (Secret knative-lambda-s3), or bind the pod’s service account to a role (AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, or EKS Pod Identity)';
}
