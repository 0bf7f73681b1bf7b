import { describe, expect, test } from 'vitest';
import { runEnvironment } from '#local/run/environment.ts';

describe('the environment of make run', () => {
  test('has the ports of the contract by default', () => {
    expect(runEnvironment({})).toMatchObject({
      BROKER_PORT: 8080,
      S3_PORT: 9000,
      KUBERNETES_PORT: 8001,
      GATEWAY_PORT: 8081,
      ONCE: false,
    });
  });

  test.each([
    { case: 'a port', environment: { BROKER_PORT: '18080' }, expected: { BROKER_PORT: 18_080 } },
    { case: 'any free port', environment: { S3_PORT: '0' }, expected: { S3_PORT: 0 } },
    {
      case: 'an empty value as none',
      environment: { S3_PORT: '', ONCE: '' },
      expected: { S3_PORT: 9000, ONCE: false },
    },
    { case: 'ONCE=1', environment: { ONCE: '1' }, expected: { ONCE: true } },
    { case: 'ONCE=0', environment: { ONCE: '0' }, expected: { ONCE: false } },
  ])('takes $case', ({ environment, expected }) => {
    expect(runEnvironment(environment)).toMatchObject(expected);
  });

  test('tells all that is wrong together', () => {
    const environment = { BROKER_PORT: 'eighty', S3_PORT: '70000', GATEWAY_PORT: '8081' };
    expect(() => runEnvironment(environment)).toThrow(/BROKER_PORT must be a port.*\nS3_PORT must be below/);
  });
});
