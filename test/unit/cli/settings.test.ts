/** Where the letters lie: what is said first counts, and what is missing is told. */
import { describe, expect, test } from 'vitest';
import { findSettings } from '#cli/settings.ts';

const cluster = {
  AWS_REGION: 'eu-west-1',
  TEMPORARY_BUCKET: 'tmp-dev',
  BROKER_URL: 'http://default-broker-ingress.ns.svc.cluster.local',
  S3_ENDPOINT: 'http://s3.storage.svc:9000',
  LOG_LEVEL: 'debug',
};
const keys = { AWS_ACCESS_KEY_ID: 'cluster', AWS_SECRET_ACCESS_KEY: 'cluster' };
const asked: unknown[][] = [];
const read = (settings: Record<string, string>) => async (file: string, namespace: string | undefined) => {
  asked.push([file, namespace]);
  return settings;
};
const unwanted = async () => {
  throw new Error('no cluster is to be asked');
};

test("a cluster's own, for which KUBECONFIG or --kubeconfig stands; the option first", async () => {
  const wanted = { kubeconfig: 'given', namespace: 'ns' };

  expect(await findSettings(wanted, { KUBECONFIG: 'other' }, read({ ...cluster, ...keys }))).toMatchObject({
    TEMPORARY_BUCKET: 'tmp-dev',
    ...keys,
  });
  await findSettings({ kubeconfig: undefined, namespace: undefined }, { KUBECONFIG: 'other' }, read(cluster));

  expect(asked).toEqual([
    ['given', 'ns'],
    ['other', undefined],
  ]);
});

test('addresses may be said anew, for a port-forward; the region, which a shell has for other reasons, may not', async () => {
  const environment = {
    BROKER_URL: 'http://127.0.0.1:8080',
    S3_ENDPOINT: 'http://127.0.0.1:9000',
    AWS_REGION: 'mars-1',
  };

  expect(await findSettings({ kubeconfig: 'k', namespace: undefined }, environment, read(cluster))).toMatchObject({
    BROKER_URL: 'http://127.0.0.1:8080',
    S3_ENDPOINT: 'http://127.0.0.1:9000',
    AWS_REGION: 'eu-west-1',
  });
});

describe('keys', () => {
  const shell = { AWS_ACCESS_KEY_ID: 'mine', AWS_SECRET_ACCESS_KEY: 'mine', AWS_SESSION_TOKEN: 'mine' };

  test('are those of the shell where the Secret may not be read', async () => {
    const found = await findSettings({ kubeconfig: 'k', namespace: undefined }, shell, read(cluster));

    expect(found).toMatchObject(shell);
  });

  test('are never mixed from two places', async () => {
    const found = await findSettings({ kubeconfig: 'k', namespace: undefined }, shell, read({ ...cluster, ...keys }));

    expect(found).toMatchObject(keys);
    expect(found).not.toHaveProperty('AWS_SESSION_TOKEN');
  });
});

test('the environment alone, where it names the bucket', async () => {
  const environment = { TEMPORARY_BUCKET: 'b', AWS_REGION: 'r', KUBECONFIG: 'not asked' };

  const found = await findSettings({ kubeconfig: undefined, namespace: undefined }, environment, unwanted);

  expect(found).toEqual({ TEMPORARY_BUCKET: 'b', AWS_REGION: 'r' });
});

test('what is missing or wrong is told, all of it', async () => {
  const environment = { TEMPORARY_BUCKET: 'b', BROKER_URL: 'localhost' };
  const found = findSettings({ kubeconfig: undefined, namespace: undefined }, environment, unwanted);

  await expect(found).rejects.toThrow(/AWS_REGION: is not set.*BROKER_URL|BROKER_URL.*AWS_REGION: is not set/);
});
