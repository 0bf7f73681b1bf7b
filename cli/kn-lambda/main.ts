/** `kn-lambda`: the entry of the bundle dist/cli/kn-lambda.mjs. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { run } from './run.ts';
import { createTerminal } from './terminal.ts';

/** Set by the bundle. */
declare const KN_LAMBDA_VERSION: string | undefined;

function version(): string {
  if (typeof KN_LAMBDA_VERSION !== 'undefined') {
    return KN_LAMBDA_VERSION;
  }
  const manifest = readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** By npx the command is in no folder of PATH, and the plugin of kubectl is called by kubectl. */
function calledAs(program = '', { npm_command }: NodeJS.ProcessEnv): string {
  if (basename(program).startsWith('kubectl-lambda')) {
    return 'kubectl lambda';
  }
  return npm_command === 'exec' ? 'npx kn-lambda' : 'kn-lambda';
}

/** The first Ctrl-C lets the verb say what goes on; the second ends at once. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (interrupted.signal.aborted) {
        process.exit(130);
      }
      interrupted.abort(new Error('interrupted'));
    });
  }
  return interrupted.signal;
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Who reads has had enough, as `head` has: that is no failure.
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
}

const { env: environment, stdin } = process;
const command = calledAs(process.argv[1], environment);
const terminal = createTerminal({ out: process.stdout, err: process.stderr, in: stdin }, environment, command);
const runtime = { cwd: process.cwd(), environment, terminal, stdin, signal: interruption() };
const code = await run(process.argv.slice(2), runtime, version());
// Streams that are still open would keep the process; what was said is written out first.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
