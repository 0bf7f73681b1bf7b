/** A function as the process that it is in a pod. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface FunctionProcess {
  child: ChildProcess;
  url: string;
  metricsUrl: string;
  /** Parsed log lines so far. */
  lines: Record<string, unknown>[];
  /** Exit code. */
  ended: Promise<number | null>;
}

const DEMO = fileURLToPath(new URL('./demo-function.ts', import.meta.url));

/** Without waiting for it to listen. */
export function spawnFunction(
  args: string[],
  environment: Record<string, string> = {},
): Omit<FunctionProcess, 'url' | 'metricsUrl'> {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'], PORT: '0', METRICS_PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: Record<string, unknown>[] = [];
  let rest = '';
  child.stdout.on('data', (chunk) => {
    const parts = `${rest}${chunk}`.split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.map((line) => JSON.parse(line)));
  });
  return { child, lines, ended: once(child, 'close').then(([code]) => code) };
}

export async function startDemo(environment: Record<string, string> = {}): Promise<FunctionProcess> {
  return await listening(spawnFunction([DEMO], environment));
}

export function spawnDemo(environment: Record<string, string>): Omit<FunctionProcess, 'url' | 'metricsUrl'> {
  return spawnFunction([DEMO], environment);
}

export async function listening(started: Omit<FunctionProcess, 'url' | 'metricsUrl'>): Promise<FunctionProcess> {
  const line = await logged(started.lines, 'listening', started.child);
  return {
    ...started,
    url: `http://127.0.0.1:${line['port']}/`,
    metricsUrl: `http://127.0.0.1:${line['metrics_port']}/metrics`,
  };
}

export async function logged(
  lines: Record<string, unknown>[],
  message: string,
  child?: ChildProcess,
): Promise<Record<string, unknown>> {
  for (;;) {
    const line = lines.find(({ msg }) => msg === message);
    if (line) {
      return line;
    }
    if (child && child.exitCode !== null) {
      throw new Error(`ended with ${child.exitCode} before it logged "${message}": ${JSON.stringify(lines)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
