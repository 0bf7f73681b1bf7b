/** A function that uses AWS refuses to start without credentials. It would else be Ready and answer 503 for ever. */
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ConfigError, parseConfig } from '#shared/settings/parse-config.ts';
import { configFor } from '#shared/settings/select.ts';
import { PROGRAMS, SETTINGS } from '#shared/settings/table.ts';
import { spawnFunction } from '#test/unit/runtime/process.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const PAIR = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'very-secret' };
const ROLE = { AWS_ROLE_ARN: 'arn', AWS_WEB_IDENTITY_TOKEN_FILE: '/token' };
const ENVIRONMENT = {
  AWS_REGION: 'eu-west-1',
  NAMESPACE: 'n',
  BUILDS_NAMESPACE: 'b',
  IMAGE_REGISTRY: 'r.example/p',
  KANIKO_IMAGE: 'k',
  BUILDER_IMAGE: 'b',
  BROKER_URL: 'http://127.0.0.1:9',
};

test('a function without them ends with code 1 and says what to set', async () => {
  const { ended, lines } = spawnFunction([join(ROOT, 'functions/sweep/index.ts')], ENVIRONMENT);

  expect(await ended).toBe(1);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    level: 'fatal',
    problems: [expect.stringMatching(/AWS_ACCESS_KEY_ID.*AWS_SECRET_ACCESS_KEY.*knative-lambda-s3.*AWS_ROLE_ARN/)],
  });
});

/** The functions of them: other programs ask for credentials when they make their client, which is at once. */
const ofAws = SETTINGS.AWS_ACCESS_KEY_ID.readBy.filter((reader) => !PROGRAMS.some((program) => program === reader));

describe('configFor', () => {
  const problems = (environment: Record<string, string>, name: (typeof ofAws)[number] = 'service-delete') => {
    try {
      parseConfig(configFor(name), { ...ENVIRONMENT, ...environment });
      return [];
    } catch (error) {
      return (error as ConfigError).problems;
    }
  };
  const { AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE } = ROLE;
  const half = /half a key pair/;
  const none = /no AWS credentials/;

  test.each([
    { case: 'a key pair', environment: PAIR },
    { case: 'a web identity', environment: ROLE },
    { case: 'credentials of the container', environment: { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1' } },
  ])('takes $case', ({ environment }) => {
    expect(problems(environment)).toEqual([]);
  });

  test.each([
    { case: 'nothing', environment: {}, says: none },
    { case: 'an empty pair', environment: { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }, says: none },
    { case: 'a role without its token', environment: { AWS_ROLE_ARN }, says: none },
    { case: 'a token without its role', environment: { AWS_WEB_IDENTITY_TOKEN_FILE }, says: none },
    { case: 'a key without its secret', environment: { ...PAIR, AWS_SECRET_ACCESS_KEY: '' }, says: half },
    { case: 'a secret without its key', environment: { ...PAIR, AWS_ACCESS_KEY_ID: '' }, says: half },
    { case: 'half a pair beside a role', environment: { ...ROLE, AWS_ACCESS_KEY_ID: 'id' }, says: half },
  ])('refuses $case', ({ environment, says }) => {
    expect(problems(environment)).toEqual([expect.stringMatching(says)]);
    expect(problems(environment).join()).not.toContain('very-secret');
  });

  test.each(ofAws)('refuses %s without credentials', (name) => {
    expect(problems({}, name)).toEqual([expect.stringMatching(none)]);
    expect(problems(PAIR, name)).toEqual([]);
  });

  test('tells it beside every other problem', () => {
    expect(problems({ AWS_REGION: '', NAMESPACE: '' })).toEqual([
      expect.stringContaining('AWS_REGION'),
      expect.stringContaining('NAMESPACE'),
      expect.stringMatching(none),
    ]);
  });
});
