/** Settings, and all that is known to be wrong with a deployment before a cluster is asked. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { planDeployment } from '#deploy/plan.ts';
import { readSettings } from '#deploy/settings.ts';
import { nearest } from '#shared/nearest.ts';
import { IMAGE, type Project, project, SETTINGS } from './world.ts';

let here: Project;
beforeEach(() => {
  here = project();
});
afterEach(() => here.remove());

const plan = (request: Parameters<typeof planDeployment>[1]) => planDeployment(here.root, request);
const withSettings = (text: string) => plan({ ENV: 'dev', IMAGE, SETTINGS: here.write('dev.env', text) });

describe('planDeployment', () => {
  test('has a plan where nothing is wrong', () => {
    const { plan: planned, problems, usesRabbitmqCluster } = withSettings(SETTINGS);

    expect(problems).toEqual([]);
    expect(usesRabbitmqCluster).toBe(false);
    expect(planned).toMatchObject({ deployer: 'func', image: IMAGE, environment: { namespace: 'knative-lambda-dev' } });
    expect(planned?.composition.config).toMatchObject({
      BUILDER_IMAGE: IMAGE,
      AWS_REGION: 'us-east-1',
      LOG_LEVEL: 'debug',
    });
    expect(planned?.composition.config).not.toHaveProperty('OTEL_EXPORTER_OTLP_ENDPOINT');
    expect(JSON.stringify(planned?.composition)).not.toMatch(/very-secret|also-secret/);
  });

  test('finds settings and image where they are by default', () => {
    here.write('.env.dev', SETTINGS);
    here.write('.deploy/image', `${IMAGE}\n`);

    expect(plan({ ENV: 'dev' }).plan?.image).toBe(IMAGE);
  });

  test.each([
    { case: 'no environment', request: {}, says: /ENV is not given; the environments are dev/ },
    { case: 'an unknown one', request: { ENV: 'dve' }, says: /ENV=dve.*no such environment.*dev/ },
    { case: "the embedded platform's", request: { ENV: 'local' }, says: /ENV=local: there is no such environment/ },
    { case: 'no image', request: { ENV: 'dev' }, says: /IMAGE is not given.*make image/ },
    {
      case: 'an image by tag',
      request: { ENV: 'dev', IMAGE: 'a/b:1' },
      says: /does not name a digest.*crane digest a\/b:1/,
    },
    { case: 'an unknown deployer', request: { DEPLOYER: 'helm' }, says: /DEPLOYER=helm: it is func.*or kubectl/ },
    { case: 'no settings', request: { ENV: 'dev' }, says: /cp deploy\/settings\.example\.env .*\.env\.dev/ },
    {
      case: 'settings that are not there',
      request: { ENV: 'dev', SETTINGS: '/no/where.env' },
      says: /\/no\/where\.env does not exist/,
    },
    {
      case: "the example's account",
      request: { ENV: 'dev' },
      says: /IMAGE_REGISTRY still names the example's AWS account/,
    },
  ])('says what to do about $case', ({ request, says }) => {
    const { plan: planned, problems } = plan(request);

    expect(planned).toBeUndefined();
    expect(problems.join('\n')).toMatch(says);
  });

  test('tells all problems at once', () => {
    const { problems } = plan({
      ENV: 'dev',
      IMAGE: 'a:1',
      DEPLOYER: 'x',
      SETTINGS: here.write('dev.env', 'BUILD_CPU_LIMT=2'),
    });

    expect(problems.join('\n')).toMatch(/DEPLOYER[\s\S]*digest[\s\S]*BUILD_CPU_LIMIT[\s\S]*IMAGE_REGISTRY/);
  });

  test.each([
    {
      case: 'a mistyped key',
      line: 'IMAGE_REGISTERY=r/p',
      says: /IMAGE_REGISTERY is no setting; did you mean IMAGE_REGISTRY\?/,
    },
    { case: 'a key like no other', line: 'COLOUR=blue', says: /COLOUR is no setting$/m },
    { case: 'what IMAGE says', line: 'BUILDER_IMAGE=x', says: /leave out BUILDER_IMAGE: it is what IMAGE says/ },
    { case: 'a bad quantity', line: 'BUILD_CPU_LIMIT=lots', says: /BUILD_CPU_LIMIT: must be a Kubernetes quantity/ },
    {
      case: 'a setting taken away that is needed',
      line: 'IMAGE_REGISTRY=',
      says: /IMAGE_REGISTRY: is not set; set it in .*dev\.env/,
    },
    { case: 'half a key pair', line: 'AWS_SECRET_ACCESS_KEY=', says: /AWS_SECRET_ACCESS_KEY must be set too/ },
    { case: 'half a RabbitMQ', line: 'RABBITMQ_PASSWORD=', says: /RABBITMQ_PASSWORD must be set too/ },
    {
      case: "AMQP's address",
      line: 'RABBITMQ_URI=amqp://r:5672',
      says: /RABBITMQ_URI must be RabbitMQ's management address/,
    },
    { case: 'a port that is none', line: 'RABBITMQ_PORT=amqp', says: /RABBITMQ_PORT must be a port/ },
    { case: 'a range that is none', line: 'BUILD_EGRESS_CIDRS=10.0.0.0/8, 10.1.2.3', says: /10\.1\.2\.3 is no range/ },
    {
      case: 'a registry file that is not there',
      line: 'REGISTRY_CONFIG_FILE=no.json',
      says: /no\.json is not readable/,
    },
    { case: 'a line that is none', line: 'export', says: /dev\.env:\d+ is neither KEY=value nor a comment/ },
    { case: 'a value cut by a comment', line: 'LOG_LEVEL=info#x', says: /put the value in quotes/ },
  ])('refuses $case', ({ line, says }) => {
    const { problems } = withSettings(`${SETTINGS}${line}\n`);

    expect(problems.join('\n')).toMatch(says);
    expect(problems.join('\n')).not.toMatch(/very-secret|also-secret/);
  });
});

describe('readSettings', () => {
  const read = (text: string) => readSettings(here.write('dev.env', text), ['LOG_LEVEL']).settings;

  test('reads comments, quotes, export and blanks, and takes an empty value for nothing', () => {
    const text =
      '# c\n\nexport LOG_LEVEL="warn"\nRABBITMQ_URI=https://r:15671\nRABBITMQ_USERNAME=u\nRABBITMQ_PASSWORD="a#b "\n';

    expect(read(text)).toEqual({
      config: { LOG_LEVEL: 'warn' },
      rabbitmq: { uri: 'https://r:15671', username: 'u', password: 'a#b' },
    });
    expect(read('LOG_LEVEL=\nAWS_ACCESS_KEY_ID=\nAWS_SECRET_ACCESS_KEY=\n')).toEqual({ config: { LOG_LEVEL: null } });
  });

  test('takes the credentials of a registry from a file beside it', () => {
    const content = '{"auths":{"r.example":{"auth":"dTpw"}}}';
    here.write('registry.json', content);

    expect(read('REGISTRY_CONFIG_FILE=registry.json')).toMatchObject({ registryConfig: content });
  });
});

test.each([
  { word: 'S3_ENDPIONT', means: 'S3_ENDPOINT' },
  { word: 's3_endpoint', means: 'S3_ENDPOINT' },
  { word: 'PASSWORD', means: undefined },
])('nearest: $word means $means', ({ word, means }) => {
  expect(nearest(word, ['S3_ENDPOINT', 'AWS_REGION'])).toBe(means);
});

test('the example is a whole one: nothing but the account of the documentation is wrong with it', async () => {
  const { readFileSync } = await import('node:fs');
  const text = readFileSync(new URL('../../../deploy/settings.example.env', import.meta.url), 'utf8');
  const filled = text
    .replaceAll('111122223333', '123456789012')
    .replace(/^#([A-Z_]+=.)/gm, '$1')
    .replace('REGISTRY_CONFIG_FILE=', '#')
    .replace('#RABBITMQ_PASSWORD=', 'RABBITMQ_PASSWORD=x')
    .replace('#SOURCE_BUCKETS=', 'SOURCE_BUCKETS=a,b');

  expect(withSettings(filled).problems).toEqual([]);
});
