/** The bundled command as a process, as a person starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { bundleCommand } from '#bundle/main.ts';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  ended: Promise<Ended>;
  /** What it has said so far. */
  said(): string;
}

export interface Started {
  cwd?: string;
  environment?: Record<string, string>;
  input?: string;
}

export interface Command {
  directory: string;
  start(args: string[], options?: Started): Running;
  run(args: string[], options?: Started): Promise<Ended>;
}

/** Made once for a file of tests. The home is an empty folder: nothing of the machine's owner counts. */
export function bundledCommand(): Command {
  const directory = mkdtempSync(join(tmpdir(), 'kn-lambda-test-'));
  const program = join(directory, 'bin', 'kn-lambda.mjs');
  beforeAll(() => bundleCommand(program));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const start = (args: string[], { cwd = directory, environment = {}, input }: Started = {}): Running => {
    const { PATH = '' } = process.env;
    const child = spawn(process.execPath, [program, ...args], {
      cwd,
      env: { PATH, HOME: directory, ...environment },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    child.stdout?.on('data', (chunk) => {
      output.stdout += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      output.stderr += chunk;
    });
    child.stdin?.end(input);
    const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...output })));
    return { child, ended, said: () => output.stdout + output.stderr };
  };
  return { directory, start, run: (args, options) => start(args, options).ended };
}

/** What differs from run to run. */
export function stable(text: string): string {
  return text
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, 'SERVER')
    .replaceAll(/\b(deploy|call|delete)-[0-9a-f-]{36}/g, '$1-ID')
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, 'ID')
    .replaceAll(/trace [0-9a-f]{32}/g, 'trace TRACE')
    .replaceAll(/\b[0-9.]+ m?s\b/g, 'TIME');
}
