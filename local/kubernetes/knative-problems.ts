/** What a Knative webhook finds wrong, in the form in which it says so. */
import { ApiError } from './api-error.ts';

interface Problem {
  message: string;
  paths: string[];
  details: string;
}

export class KnativeProblems {
  readonly #problems: Problem[] = [];

  add(message: string, path: string, details = ''): void {
    const same = this.#problems.find((problem) => problem.message === message && problem.details === details);
    if (same) {
      same.paths.push(path);
    } else {
      this.#problems.push({ message, paths: [path], details });
    }
  }

  missing(path: string): void {
    this.add('missing field(s)', path);
  }

  disallowed(path: string): void {
    this.add('must not set the field(s)', path);
  }

  invalid(value: unknown, path: string, details = ''): void {
    this.add(`invalid value: ${value}`, path, details);
  }

  outOfBounds(value: unknown, lower: unknown, upper: unknown, path: string): void {
    this.add(`expected ${lower} <= ${value} <= ${upper}`, path);
  }

  immutable(path: string): void {
    this.add('Immutable fields changed (-old +new)', path);
  }

  /** Names every field that is set and not among the allowed ones. */
  only(fields: object, allowed: readonly string[], path: string): void {
    for (const field of Object.keys(fields)) {
      if (!allowed.includes(field)) {
        this.disallowed(`${path}.${field}`);
      }
    }
  }

  /** Throws the webhook's refusal where anything was added. */
  throwFor(webhook: string): void {
    if (this.#problems.length === 0) {
      return;
    }
    const lines = this.#problems.map(({ message, paths, details }) => {
      const head = `${message}: ${paths.toSorted().join(', ')}`;
      return details ? `${head}\n${details}` : head;
    });
    throw ApiError.denied(webhook, `validation failed: ${lines.sort().join('\n')}`);
  }
}
