/** The ConfigMap knative-lambda-config: its keys, and what the functions would refuse in it at their start. */
import * as z from 'zod';
import {
  admissionFields,
  baseImageFields,
  brokerFields,
  buildFields,
  clientLimitFields,
  deploymentFields,
  namespaceFields,
  registryFields,
  runtimeFields,
  s3Fields,
  sourceFields,
  temporaryBucketFields,
} from '#shared/settings/fields.ts';
import { ConfigError, parseConfig } from '#shared/settings/parse-config.ts';

const fields = {
  ...s3Fields,
  ...temporaryBucketFields,
  ...sourceFields,
  ...namespaceFields,
  ...registryFields,
  ...baseImageFields,
  ...brokerFields,
  ...buildFields,
  ...admissionFields,
  ...clientLimitFields,
  ...deploymentFields,
};

/** Each pod's own: from Knative, from Kubernetes, from identity webhooks, from the Secret. */
const PER_POD =
  /^(PORT|METRICS_PORT|HOSTNAME|K_.*|AWS_ROLE_ARN|AWS_WEB_IDENTITY_.*|AWS_CONTAINER_.*|AWS_SESSION_TOKEN|AWS_.*ACCESS_KEY.*)$/;

/** The account number in AWS's documentation, and so in our examples. */
const EXAMPLE_ACCOUNT = '111122223333';

export const CONFIG_KEYS = Object.keys({ ...fields, ...runtimeFields }).filter((key) => !PER_POD.test(key));

export function configProblems(config: Record<string, string>, settingsFile: string): string[] {
  const examples = Object.entries(config)
    .filter(([, value]) => value.includes(EXAMPLE_ACCOUNT))
    .map(([key]) => `${key} still names the example's AWS account ${EXAMPLE_ACCOUNT}: set ${key} in ${settingsFile}`);
  try {
    parseConfig(z.object(fields), config);
    return examples;
  } catch (error) {
    if (!(error instanceof ConfigError)) {
      throw error;
    }
    const mended = (problem: string) => problem.replace('set this environment variable', `set it in ${settingsFile}`);
    return [...examples, ...error.problems.map(mended)];
  }
}
