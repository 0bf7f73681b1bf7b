/** A source as the laptop's builder builds it and its kubelet runs it, and one call of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import { saveContext } from '#build-pod/save-context.ts';
import { prepareBuild } from '#functions/build-start/prepare-build.ts';
import type { Image } from '#local/kubelet/images.ts';
import { planLaunch, StartError } from '#local/kubelet/launch.ts';
import type { PodContext } from '#local/kubelet/pod-context.ts';
import { createToolchain } from '#local/kubelet/toolchain.ts';
import { failureReason } from '#shared/builds/failure-reason.ts';
import type { Build } from '#shared/specs/annotations.ts';
import { identity, list, settings, storeWith } from '#test/languages/conformance/sources.ts';
import { Kaniko } from '#test/unit/kaniko/run-kaniko.ts';
import type { Source } from './source.ts';

export interface End {
  what: 'failed' | 'not ready' | 'answered' | 'failed call';
  /** Of a build: build.complete's error_message; of a start: what the pod wrote; of a call: the answer. */
  message: string;
  reason?: string;
}

/** As Kubernetes keeps it of a container that failed. */
const TERMINATION_BYTES = 2048;
const START_MS = 40_000;
const CALL_MS = 20_000;

export class Builder {
  readonly #kaniko = new Kaniko();

  /** Throws what planning throws. */
  async end(source: Source, name: string): Promise<End> {
    const store = storeWith(source.files);
    const prepared = await prepareBuild(store, {
      listing: await list(store),
      identity,
      request: source.request,
      settings,
      stagingId: name,
    });
    const archive = join(this.#kaniko.directory, `${name}.tar.gz`);
    const packed = store.peek('temporary', prepared.context.key) ?? Buffer.alloc(0);
    await saveContext(Readable.from([packed]), prepared.context.key, archive);
    const repository = `registry.test/fuzz/${name}`;
    const { exitCode, output } = await this.#kaniko.run([
      `--context=tar://${archive}`,
      '--dockerfile=.knative-lambda/Dockerfile',
      `--destination=${repository}:1`,
      '--cache=true',
      '--cache-repo=registry.test/fuzz/cache',
    ]);
    rmSync(archive);
    if (exitCode !== 0) {
      return failedBuild(prepared.language, exitCode, output);
    }
    const image = await this.#kaniko.image(`${repository}:1`);
    try {
      return await this.#called(image);
    } finally {
      rmSync(join(image.rootfs, '..'), { recursive: true, force: true });
    }
  }

  async #called(image: Image): Promise<End> {
    const port = await freePort();
    const running = await this.#started(image, port);
    if (typeof running === 'string') {
      return { what: 'not ready', message: running };
    }
    const { child, log } = running;
    try {
      if (!(await isReady(child, port))) {
        return { what: 'not ready', message: log() };
      }
      return await call(port);
    } finally {
      end(child);
    }
  }

  async #started(image: Image, port: number): Promise<{ child: ChildProcess; log: () => string } | string> {
    const context = {
      node: { toolchain: createToolchain(this.#kaniko.directory), kubeconfig: '' },
      pod: { spec: { automountServiceAccountToken: false }, metadata: { namespace: 'fuzz' } },
      volumes: new Map(),
      port,
      metricsPort: 0,
    } as unknown as PodContext;
    try {
      const { file, args, cwd, env } = planLaunch(context, { name: 'user-container' }, image, '/dev/null');
      const identified = { ...env, THIRD_PARTY_ID: 'acme', PARSER_ID: 'p1' };
      const child = spawn(file, args, { cwd, env: identified, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
      let log = '';
      child.stdout?.on('data', (chunk) => (log += chunk));
      child.stderr?.on('data', (chunk) => (log += chunk));
      child.on('error', (error) => (log += error.message));
      return { child, log: () => log };
    } catch (error) {
      if (error instanceof StartError) {
        return error.message;
      }
      throw error;
    }
  }

  close(): void {
    this.#kaniko.close();
  }
}

function failedBuild(language: string, exitCode: number, output: string): End {
  const lines = output.slice(-TERMINATION_BYTES).split('\n').slice(-81).join('\n');
  const terminated = { exitCode, reason: 'Error', message: lines };
  const job = { metadata: { name: 'fuzz' }, status: { conditions: [{ type: 'Failed', status: 'True' }] } } as V1Job;
  const pod = {
    metadata: { name: 'fuzz' },
    status: { containerStatuses: [{ name: 'kaniko', state: { terminated } }] },
  } as unknown as V1Pod;
  const build = { language, image: 'registry.test/fuzz:1', ...identity } as unknown as Build;
  const { reason, error_message } = failureReason(job, [pod], build);
  return { what: 'failed', reason, message: error_message };
}

async function isReady(child: ChildProcess, port: number): Promise<boolean> {
  for (const until = Date.now() + START_MS; Date.now() < until; await sleep(50)) {
    const answer = await fetch(`http://127.0.0.1:${port}/health/readiness`).catch(() => undefined);
    if (answer?.ok) {
      return true;
    }
    if (child.exitCode !== null || child.signalCode !== null) {
      return false;
    }
  }
  return false;
}

async function call(port: number): Promise<End> {
  const event = { specversion: '1.0', id: '1', source: 'test', type: 'parser.start', subject: 'acme/p1', data: {} };
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify(event),
      signal: AbortSignal.timeout(CALL_MS),
    });
    const message = await answer.text();
    const succeeded = answer.ok && !/"succeeded":\s*false/.test(message);
    return { what: succeeded ? 'answered' : 'failed call', message };
  } catch (error) {
    return { what: 'failed call', message: String(error) };
  }
}

function end({ pid }: ChildProcess): void {
  try {
    process.kill(-(pid ?? 0), 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
