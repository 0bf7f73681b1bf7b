/** Looks over an installation: each question has an answer, and what is wrong a command that mends it. */
import type { Check } from '#shared/api/schemas.ts';
import { answer, type Question } from './check.ts';
import { CLUSTER } from './cluster-questions.ts';
import type { Installation } from './facts.ts';
import { FUNCTIONS_QUESTIONS } from './function-questions.ts';
import { BUILDS_QUESTIONS, SECURITY, STORAGE } from './state-questions.ts';
import { BASES, EXPIRY, REGISTRY, SWEEP } from './upkeep-questions.ts';

/** A tenant is told about its functions; about the installation, its operators. */
export const GROUPS: Record<string, Question[]> = {
  cluster: CLUSTER,
  builds: [...BUILDS_QUESTIONS, ...SWEEP],
  storage: [...STORAGE, ...REGISTRY],
  security: [...SECURITY, ...EXPIRY],
  functions: [...FUNCTIONS_QUESTIONS, ...BASES],
};

export function doctor(facts: Installation, groups: readonly string[] = Object.keys(GROUPS)): Check[] {
  return groups.flatMap((group) => (GROUPS[group] ?? []).map((question) => answer(group, question, facts)));
}
