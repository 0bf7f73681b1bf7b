/**
 * One cold start: a process from its spawn to its first 2xx, and what it holds in memory when all that it loads is
 * loaded.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Program {
  args: string[];
  cwd: string;
  env: Record<string, string>;
}

export interface ColdStart {
  milliseconds: number;
  megabytes: number;
}

const POLL_MS = 3;
const GIVE_UP_MS = 30_000;
/** The clients are loaded after the first answer. */
const SETTLE_MS = 500;

/** Resident memory is read from /proc: Linux only. */
export async function startProcess({ args, cwd, env }: Program): Promise<ColdStart> {
  const port = await freePort();
  const began = performance.now();
  const child = spawn(process.execPath, args, {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env, PORT: String(port), METRICS_PORT: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint = `${complaint}${chunk}`.slice(0, 2000);
  });
  try {
    while ((await statusOf(port)) !== 200) {
      if (child.exitCode !== null || performance.now() - began > GIVE_UP_MS) {
        throw new Error(`${args.join(' ')} with FUNCTION=${env['FUNCTION']} did not start: ${complaint}`);
      }
      await sleep(POLL_MS);
    }
    const milliseconds = performance.now() - began;
    await sleep(SETTLE_MS);
    return { milliseconds, megabytes: residentMegabytes(child.pid ?? 0) };
  } finally {
    if (child.exitCode === null) {
      // Not SIGKILL: the compile cache is written at a proper end.
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  }
}

function statusOf(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get({ port, path: '/health/readiness', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('error', () => resolve(undefined));
  });
}

function residentMegabytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (Number(kilobytes) * 1024) / 1e6;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
