/** Repositories are made as they must be, whatever is there already. */
import { afterEach, expect, test } from 'vitest';
import { createEcrRegistry } from '#shared/clients/ecr.ts';
import { ecrRegistryOf, repositoryPath } from '#shared/clients/image-registry.ts';
import { type Answer, type ScriptedServer, scriptedServer } from './scripted-server.ts';

const identity = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };
let server: ScriptedServer;
afterEach(() => server?.close());

const ok = (body: object = {}): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: JSON.stringify(body),
});
const refused = (type: string, status = 400): Answer => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': type },
  body: JSON.stringify({ __type: type, message: 'AKIDEXAMPLE may not' }),
});

/** What the registry answers to each action. */
async function registry(answers: Record<string, Answer>) {
  server = await scriptedServer((request) => {
    const action = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    return answers[action] ?? refused('InvalidParameterException');
  });
  return createEcrRegistry(identity, { account: '123456789012', region: 'eu-west-1', endpoint: server.url });
}

const asked = () =>
  server.requests.map(
    ({ headers, body }) => [String(headers['x-amz-target']).split('.')[1], JSON.parse(body)] as const,
  );

test('a repository is made with scanning, tags that stay, and a lifecycle', async () => {
  const ecr = await registry({
    CreateRepository: ok(),
    GetLifecyclePolicy: refused('LifecyclePolicyNotFoundException'),
    PutLifecyclePolicy: ok(),
  });
  await ecr.ensureRepository('fn/fn-p1', 'images');
  const [create, get, put] = asked();
  expect(create).toEqual([
    'CreateRepository',
    expect.objectContaining({
      registryId: '123456789012',
      repositoryName: 'fn/fn-p1',
      imageTagMutability: 'IMMUTABLE',
      imageScanningConfiguration: { scanOnPush: true },
    }),
  ]);
  expect([get?.[0], put?.[0]]).toEqual(['GetLifecyclePolicy', 'PutLifecyclePolicy']);
  expect(JSON.parse(put?.[1].lifecyclePolicyText)).toMatchObject({
    rules: [{ selection: { countType: 'imageCountMoreThan' }, action: { type: 'expire' } }],
  });
});

test('one that is there, with its policy, is left as it is', async () => {
  const ecr = await registry({
    CreateRepository: refused('RepositoryAlreadyExistsException'),
    GetLifecyclePolicy: ok({ lifecyclePolicyText: '{}' }),
  });
  await ecr.ensureRepository('fn/fn-p1', 'images');
  expect(asked().map(([action]) => action)).toEqual(['CreateRepository', 'GetLifecyclePolicy']);
});

test('one whose maker crashed before its policy gets it; cached layers expire by age', async () => {
  const ecr = await registry({
    CreateRepository: refused('RepositoryAlreadyExistsException'),
    GetLifecyclePolicy: refused('LifecyclePolicyNotFoundException'),
    PutLifecyclePolicy: ok(),
  });
  await ecr.ensureRepository('fn/cache-acme', 'cache');
  expect(JSON.parse(asked()[2]?.[1].lifecyclePolicyText)).toMatchObject({
    rules: [{ selection: { countType: 'sinceImagePushed', countNumber: 14 } }],
  });
});

test('a blip is not seen', async () => {
  let blips = 2;
  server = await scriptedServer(() => (blips-- > 0 ? refused('ServerException', 500) : ok()));
  const ecr = createEcrRegistry(identity, { account: '123456789012', region: 'eu-west-1', endpoint: server.url });
  await ecr.ensureRepository('fn/fn-p1', 'images');
  const create = 'CreateRepository';
  expect(asked().map(([action]) => action)).toEqual([create, create, create, 'GetLifecyclePolicy']);
});

test.each([
  { case: 'not allowed', answer: refused('AccessDeniedException', 403), name: 'PermanentError', reason: 'Forbidden' },
  { case: 'throttled', answer: refused('ThrottlingException'), name: 'RetryableError', reason: 'Throttled' },
  { case: 'down', answer: refused('ServerException', 500), name: 'RetryableError', reason: 'Unavailable' },
  { case: 'a bad name', answer: refused('InvalidParameterException'), name: 'PermanentError', reason: 'Refused' },
])('$case: $name $reason', async ({ answer, name, reason }) => {
  const ecr = await registry({ CreateRepository: answer });
  const failure = await ecr.ensureRepository('fn/fn-p1', 'images').catch((error: Error) => error);
  expect(failure).toMatchObject({ name, reason, message: expect.stringContaining('creating repository fn/fn-p1') });
  expect((failure as Error).message).not.toContain('AKIDEXAMPLE');
});

test.each([
  { registry: '123456789012.dkr.ecr.eu-west-1.amazonaws.com/fn', is: { account: '123456789012', region: 'eu-west-1' } },
  {
    registry: '123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn',
    is: { account: '123456789012', region: 'cn-north-1' },
  },
  { registry: 'registry.example/fn', is: undefined },
  { registry: 'public.ecr.aws/fn', is: undefined },
  { registry: '123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example/fn', is: undefined },
])('$registry', ({ registry, is }) => {
  expect(ecrRegistryOf(registry)).toEqual(is);
});

test('ECR’s name of a repository has no host', () => {
  expect(repositoryPath('host:5000/a/b')).toBe('a/b');
});
