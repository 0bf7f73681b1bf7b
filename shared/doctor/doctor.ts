/** Looks over an installation: each question has an answer, and what is wrong a command that mends it. */
import type { Check } from '#shared/api/schemas.ts';
import { answer, type Question } from './check.ts';
import { CLUSTER } from './cluster-questions.ts';
import type { Installation } from './facts.ts';
import { FUNCTIONS_QUESTIONS } from './function-questions.ts';
import { BUILDS_QUESTIONS, SECURITY, STORAGE } from './state-questions.ts';

/** A tenant is told about its functions; about the installation, its operators. */
export const GROUPS: Record<string, Question[]> = {
  cluster: CLUSTER,
  builds: BUILDS_QUESTIONS,
  storage: STORAGE,
  security: SECURITY,
  functions: FUNCTIONS_QUESTIONS,
};

export function doctor(facts: Installation, groups: readonly string[] = Object.keys(GROUPS)): Check[] {
  return groups.flatMap((group) => (GROUPS[group] ?? []).map((question) => answer(group, question, facts)));
}
