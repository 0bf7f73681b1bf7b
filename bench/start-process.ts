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
  /** CPU time until its first 2xx, and a little more. In milliseconds. */
  cpu: number;
  megabytes: number;
}

const POLL_MS = 3;
const GIVE_UP_MS = 30_000;
/** The clients are loaded after the first answer. */
const SETTLE_MS = 500;

/** Resident memory is read from /proc: Linux only. */
export async function startProcess(program: Program): Promise<ColdStart> {
  return await whileRunning(program, async ({ milliseconds, pid }) => {
    const cpu = cpuMilliseconds(pid);
    await sleep(SETTLE_MS);
    return { milliseconds, cpu, megabytes: residentMegabytes(pid) };
  });
}

export interface Started {
  port: number;
  pid: number;
  /** Until its first 2xx. */
  milliseconds: number;
}

/** Starts the program, and ends it when the work is done. */
export async function whileRunning<Result>(
  { args, cwd, env }: Program,
  work: (started: Started) => Promise<Result>,
): Promise<Result> {
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
    return await work({ port, pid: child.pid ?? 0, milliseconds: performance.now() - began });
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

/** CPU time of the whole process so far. */
export function cpuMilliseconds(pid: number): number {
  const [, fields = ''] = /\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
  const [user, system] = fields.split(' ').slice(11, 13);
  // In ticks, of which Linux has 100 a second.
  return (Number(user) + Number(system)) * 10;
}

export function residentMegabytes(pid: number): number {
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
