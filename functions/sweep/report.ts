/** What one run of sweep has done: counts for the metrics, and one log line. */
import type { Logger } from 'pino';

export const REPAIRS = [
  'terminal_events',
  'admitted',
  'requests_resent',
  'requests_ended',
  'requests_forgotten',
  'jobs_ended',
  'jobs_deleted',
  'contexts_deleted',
  'answers_deleted',
  'downloads_deleted',
  'history_deleted',
  'triggers_restored',
  'triggers_deleted',
  'deliveries_changed',
  'functions_removed',
  'secrets_rotated',
  'errors',
] as const;

export type Repair = (typeof REPAIRS)[number];
export type Counts = Record<Repair, number>;

/** Log collectors cut long lines, such as one that names everything that was repaired after an outage. */
const NAMED = 50;

export class Report {
  readonly counts = Object.fromEntries(REPAIRS.map((repair) => [repair, 0])) as Counts;
  readonly #names: string[] = [];
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  did(repair: Exclude<Repair, 'errors'>, name: string): void {
    this.counts[repair] += 1;
    if (this.#names.length < NAMED) {
      this.#names.push(`${repair} ${name}`);
    }
  }

  /** `where` is the step, or the object that could not be repaired. */
  failed(error: unknown, where: string): void {
    this.counts.errors += 1;
    this.#log.warn({ err: error, where }, 'could not be swept; the next run tries again');
  }

  write(): void {
    const fields = { swept: this.counts, ...(this.#names.length > 0 ? { objects: this.#names } : {}) };
    this.#log[this.counts.errors > 0 ? 'warn' : 'info'](fields, 'swept');
  }
}
