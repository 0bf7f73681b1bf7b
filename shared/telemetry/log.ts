/** Logs JSON to standard output, one line an entry. Text from users is escaped by JSON and cut to a limit. */
import { type DestinationStream, type Level, type Logger, pino } from 'pino';
import { bounded } from '#shared/bounded-text.ts';
import { printableJson } from '#shared/printable.ts';

const MESSAGE_LENGTH = 1000;
const STACK_LENGTH = 4000;
const CAUSES = 3;

export function createLog(
  bindings: Record<string, string>,
  level: Level | 'silent',
  destination?: DestinationStream,
): Logger {
  const options = {
    level,
    base: bindings,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    // `kubectl logs` writes lines to a terminal as they are.
    hooks: { streamWrite: printableJson },
    serializers: { err: (error: unknown) => describe(error, CAUSES) },
  };
  // Synchronous, unlike pino's default: an exit loses lines that a thread is still writing, and the last lines say why.
  return pino(options, destination ?? pino.destination({ dest: 1, sync: true }));
}

/** Upstream errors contain whole responses in properties and messages. Only these fields are logged, cut to a limit. */
function describe(error: unknown, causes: number): unknown {
  if (!(error instanceof Error)) {
    return { type: typeof error, message: bounded(String(error), MESSAGE_LENGTH) };
  }
  const { reason, code } = error as { reason?: unknown; code?: unknown };
  return {
    type: error.name,
    message: bounded(error.message, MESSAGE_LENGTH),
    stack: bounded(error.stack ?? '', STACK_LENGTH),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(error.cause !== undefined && causes > 0 ? { cause: describe(error.cause, causes - 1) } : {}),
  };
}
