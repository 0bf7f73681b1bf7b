/** A copy-free project to deploy from, settings on disk, and a kubectl that answers as it is told. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Run } from '#deploy/run.ts';
import type { Outcome } from '#deploy/run-program.ts';

const root = new URL('../../../', import.meta.url).pathname;

export const IMAGE = `registry.example/knative-lambda@sha256:${'0'.repeat(64)}`;

export interface Project {
  root: string;
  write(name: string, text: string): string;
  remove(): void;
}

/** The real eventing/ and functions/, and a .deploy/ of its own. */
export function project(): Project {
  const folder = mkdtempSync(join(tmpdir(), 'knative-lambda-project-'));
  for (const name of ['eventing', 'functions']) {
    symlinkSync(join(root, name), join(folder, name));
  }
  mkdirSync(join(folder, '.deploy'));
  return {
    root: folder,
    write(name, text) {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

export const SETTINGS = `
AWS_REGION=us-east-1
S3_ENDPOINT=http://minio.minio.svc.cluster.local:9000
AWS_ACCESS_KEY_ID=key
AWS_SECRET_ACCESS_KEY=very-secret
IMAGE_REGISTRY=registry.registry.svc.cluster.local:5000/knative-lambda-dev
BUILD_HTTP_PROXY=http://10.0.0.9:3128
RABBITMQ_URI=http://rabbitmq.rabbitmq.svc.cluster.local:15672
RABBITMQ_USERNAME=user
RABBITMQ_PASSWORD=also-secret
OTEL_EXPORTER_OTLP_ENDPOINT=
`;

type Answer = Partial<Outcome> | string | object | undefined;

/**
 * `answers`: by the beginning of a command line, the longest that fits. Text and data are printed; nothing is an empty
 * answer.
 */
export function scripted(answers: Record<string, Answer>): Run & { calls: string[]; inputs: string[] } {
  const calls: string[] = [];
  const inputs: string[] = [];
  const run: Run = async (program, args, options) => {
    const line = [program, ...args].join(' ');
    calls.push(line);
    inputs.push(String(options?.input ?? ''));
    const [key] = Object.keys(answers)
      .filter((beginning) => line.startsWith(beginning))
      .sort((a, b) => b.length - a.length);
    const answer = key === undefined ? undefined : answers[key];
    if (typeof answer === 'object' && 'code' in answer) {
      return { code: 0, stdout: '', stderr: '', ...answer };
    }
    const stdout = typeof answer === 'string' ? answer : answer === undefined ? '' : JSON.stringify(answer);
    return { code: 0, stdout, stderr: '' };
  };
  return Object.assign(run, { calls, inputs });
}
