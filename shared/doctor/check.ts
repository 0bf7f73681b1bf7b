/** One question to an installation, and its answer. */
import type { Check } from '#shared/api/schemas.ts';
import type { KnativeObject } from '#shared/clients/cluster.ts';
import { subjectOf } from '#shared/events/identity.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import type { Installation } from './facts.ts';

type Next = NonNullable<Check['next']>;

export interface Finding {
  status: 'ok' | 'warning' | 'failed';
  message: string;
  next?: Next;
}

export interface Question {
  name: string;
  /** Undefined where what it needs could not be seen. */
  look: (facts: Installation) => Finding | undefined;
  /** What it needs, for the sentence that says that it was not seen. */
  needs: string;
}

export function ok(message: string): Finding {
  return { status: 'ok', message };
}

export function warning(message: string, say: string, command?: string): Finding {
  return { status: 'warning', message, next: { say, ...(command ? { command } : {}) } };
}

export function failed(message: string, say: string, command?: string): Finding {
  return { status: 'failed', message, next: { say, ...(command ? { command } : {}) } };
}

/** For a question that looks for what should not be there. `found` is undefined where that could not be seen. */
export function noneOf<Item>(
  found: readonly Item[] | undefined,
  fine: string,
  otherwise: (found: readonly Item[]) => Finding,
): Finding | undefined {
  return found && (found.length === 0 ? ok(fine) : otherwise(found));
}

export function answer(group: string, { name, look, needs }: Question, facts: Installation): Check {
  const finding = look(facts);
  return finding
    ? { name, group, ...finding }
    : { name, group, status: 'unknown', message: `${needs} cannot be seen from here, so nothing is said about it` };
}

/** "a, b and 3 more". */
export function some(names: readonly string[], most = 5): string {
  const told = names.slice(0, most).join(', ');
  return names.length > most ? `${told} and ${names.length - most} more` : told;
}

/** Of a function: `{third_party_id}/{parser_id}`, or that of its Service where nobody knows whose it is. */
export function nameOf(service: KnativeObject): string {
  const build = readBuild(service);
  return build ? subjectOf(build) : service.metadata.name;
}
