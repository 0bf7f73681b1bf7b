/** Brings up the platform under test once for the whole suite, and tells the suite nothing but its addresses. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startPlatform } from '#local/platform.ts';

declare module 'vitest' {
  interface ProvidedContext {
    platform: PlatformAddresses;
  }
}

/** Where the suite finds the platform. Everything it does, it does through these. */
export interface PlatformAddresses {
  brokerUrl: string;
  s3Url: string;
  gatewayUrl: string;
  /** Path of the kubeconfig. */
  kubeconfig: string;
  namespace: string;
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'knative-lambda-contract-'));
  const platform = await startPlatform({ directory, stableWindowSeconds: 3, jobBackoffSeconds: 0.2 });
  const { brokerUrl, s3Url, gatewayUrl, kubeconfig, namespace } = platform;
  project.provide('platform', { brokerUrl, s3Url, gatewayUrl, kubeconfig, namespace });
  return async () => {
    await platform.close();
    await rm(directory, { recursive: true, force: true });
  };
}
