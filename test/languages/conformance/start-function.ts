/** Starts an image's command as a process on a free port, and speaks to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { environment, type Image } from './image.ts';

export interface RunningFunction {
  url: string;
  process: ChildProcess;
  /** What it wrote to stderr so far. */
  errors(): string;
  /** Whole lines of it, as soon as there are so many. An answer may come before what was written for it. */
  errorLines(count: number, since?: number): Promise<string[]>;
  /** And to stdout. */
  output(): string;
  send(event: object): Promise<Response>;
  /** SIGKILL, for it and all that it started. */
  kill(): void;
  /** SIGTERM; the exit code. */
  stop(): Promise<number | null>;
}

/** Resolves when it is ready. Rejects, with what it wrote, where it ends before. */
export async function startFunction(
  image: Image,
  extra: NodeJS.ProcessEnv = {},
  onStart: (kill: () => void) => void = () => {},
): Promise<RunningFunction> {
  const port = await freePort();
  const [program = '', ...parameters] = image.command;
  const child = spawn(program, parameters, {
    cwd: image.folder,
    env: { ...environment(), PORT: String(port), THIRD_PARTY_ID: 'acme', PARSER_ID: 'p1', ...extra },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: an adapter of two processes is killed whole.
    detached: true,
  });
  const kill = () => killGroup(child);
  onStart(kill);
  let errors = '';
  let output = '';
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
    output += chunk;
  });
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    const ready = await fetch(`${url}/health/readiness`).catch(() => undefined);
    if (ready?.ok) {
      break;
    }
    if (child.exitCode !== null || child.signalCode !== null) {
      throw Object.assign(new Error(errors), { exitCode: child.exitCode });
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    url,
    process: child,
    kill,
    errors: () => errors,
    errorLines: async (count, since = 0) => {
      const lines = () => errors.slice(since).split('\n').slice(0, -1);
      const until = Date.now() + 10_000;
      while (lines().length < count && Date.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return lines();
    },
    output: () => output,
    send: async (event) =>
      await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/cloudevents+json' },
        body: JSON.stringify({ specversion: '1.0', id: '1', source: 'test', type: 'parser.start', ...event }),
      }),
    stop: async () => {
      child.kill('SIGTERM');
      return (await ended)[0];
    },
  };
}

function killGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-Number(pid), 'SIGKILL');
  } catch {
    // It has ended.
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
