/** Brings up the embedded platform once for the whole suite, and tells the suite nothing but its addresses. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import type { TestProject } from 'vitest/node';
import { startPlatform } from '#local/platform.ts';
import { startProbe } from './probe.ts';
import { subscribe } from './subscribe.ts';

declare module 'vitest' {
  interface ProvidedContext {
    platform: PlatformUnderTest;
  }
}

/** All that the suite knows of a platform. Everything it does, it does through these. */
export interface PlatformUnderTest {
  /** In the name of every function that this run makes. */
  run: string;
  brokerUrl: string;
  /** Takes requests for every function, by Host. */
  gatewayUrl: string;
  s3: {
    /** None: AWS's own. */
    endpoint?: string;
    region: string;
    /** None: whatever the SDK finds. */
    credentials?: { accessKeyId: string; secretAccessKey: string };
  };
  sourceBucket: string;
  /** SOURCE_PREFIX. */
  sourcePrefix: string;
  temporaryBucket: string;
  /** Where events must be signed: the key. */
  eventKey?: string;
  /** Where events must be signed: who can send them to the gateway, by a token. */
  tokens?: { acme: string; mallory: string; operator: string };
  /** The text of one. */
  kubeconfig: string;
  namespace: string;
  /** As the suite reaches it, and as the Broker does. */
  probe: { url: string; subscriber: string };
  /** Where it keeps everything, if that is on this machine. */
  directory?: string;
  /** What it can build. */
  languages: string[];
  pace: {
    /** By what the suite's waits are multiplied. */
    patience: number;
    /** Milliseconds between two looks at the same thing. */
    every: number;
  };
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { platform, close } = await openLaptop();
  project.provide('platform', platform);
  return close;
}

/** `settings` win over those of eventing/overlays/local. */
export async function openLaptop(
  settings: Record<string, string> = {},
): Promise<{ platform: PlatformUnderTest; close: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'knative-lambda-contract-'));
  await surround(folder);
  const directory = join(folder, '.local');
  const platform = await startPlatform({ directory, stableWindowSeconds: 3, jobBackoffSeconds: 0.2, config: settings });
  const probe = await startProbe({ host: '127.0.0.1', subscriber: 0, suite: 0 });
  const { brokerUrl, gatewayUrl, s3Url, namespace } = platform;
  const kubeconfig = await readFile(platform.kubeconfig, 'utf8');
  const subscriber = `http://127.0.0.1:${probe.subscriber}`;
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  await subscribe(KubernetesObjectApi.makeApiClient(config), { name: 'recorder', namespace, uri: subscriber });
  const opened: PlatformUnderTest = {
    run: `r${randomBytes(3).toString('hex')}`,
    brokerUrl,
    gatewayUrl,
    s3: {
      endpoint: s3Url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'testtesttest' },
    },
    sourceBucket: 'knative-lambda-source',
    sourcePrefix: settings['SOURCE_PREFIX'] ?? 'global/parser/{parser_id}/',
    temporaryBucket: 'knative-lambda-tmp',
    kubeconfig,
    namespace,
    probe: { url: `http://127.0.0.1:${probe.suite}`, subscriber },
    directory,
    languages: languagesOfThisMachine(),
    pace: { patience: 1, every: 50 },
  };
  const close = async () => {
    await platform.close();
    await probe.close();
    await rm(await realpath(directory), { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  };
  return { platform: opened, close };
}

/**
 * What lies above the platform's folder on a laptop: a project of every language, with a package of the name
 * `undeclared` that no function has declared.
 */
async function surround(project: string): Promise<void> {
  const files = {
    'package.json': '{ "type": "module" }',
    'node_modules/undeclared/index.js': 'module.exports = "seen";',
    'node_modules/undeclared/package.json': '{ "name": "undeclared", "version": "1.0.0" }',
    'pyproject.toml': '[project]\nname = "above"\nversion = "1"\n',
    'undeclared.py': '',
    'go.mod': 'module above.invalid/project\n\ngo 1.24\n',
    'go.work': 'go 1.24\n\nuse .\n',
    'undeclared/undeclared.go': 'package undeclared\n\nconst Name = "seen"\n',
    'Cargo.toml': '[workspace]\nmembers = []\n',
    'rust-toolchain.toml': '[toolchain]\nchannel = "1.0.0"\n',
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(project, path)), { recursive: true });
    await writeFile(join(project, path), content);
  }
}

/** The embedded platform builds with the machine's own tools; Node is always there. */
function languagesOfThisMachine(): string[] {
  const has = (program: string, argument: string) => spawnSync(program, [argument]).status === 0;
  return [
    'node',
    ...(has('python3', '--version') ? ['python'] : []),
    ...(has('go', 'version') ? ['go'] : []),
    ...(has('cargo', '--version') ? ['rust'] : []),
  ];
}
