/** The keys of ConfigMap knative-lambda-config, and what the functions would refuse in it when they start. */
import * as z from 'zod';
import { ConfigError, parseConfig } from '#shared/settings/parse-config.ts';
import { fieldsFrom } from '#shared/settings/select.ts';

const fields = fieldsFrom('ConfigMap');

/** The account number of AWS's documentation. Our examples use it. */
const EXAMPLE_ACCOUNT = '111122223333';

export const CONFIG_KEYS: string[] = Object.keys(fields);

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
