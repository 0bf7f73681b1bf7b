/** Checks attributes by the rules of CloudEvents 1.0, as leniently as the Broker does. */
import type { Problem } from '#shared/events/problem.ts';

export const V0_3 = '0.3';
const REQUIRED = ['id', 'source', 'type'] as const;
const TEXTS = new Set(['id', 'source', 'type', 'specversion', 'subject', 'time', 'datacontenttype', 'dataschema']);
const INT32 = 2 ** 31;

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** Returns every problem. Does not check that source and dataschema are URIs: the Broker does not either. */
export function checkAttributes(attributes: Record<string, unknown>): Problem[] {
  const problems: Problem[] = [];
  const { specversion, time } = attributes;
  if (specversion === undefined) {
    problems.push({ path: 'specversion', message: 'is missing; it must be "1.0"' });
  } else if (specversion !== '1.0' && specversion !== V0_3) {
    problems.push({ path: 'specversion', message: `is ${shown(specversion)}; it must be "1.0"` });
  }
  for (const name of REQUIRED) {
    if (attributes[name] === undefined || attributes[name] === '') {
      problems.push({ path: name, message: 'is missing; it must be a non-empty string' });
    }
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (!/^[a-z0-9]+$/.test(name)) {
      problems.push({ path: shown(name), message: 'is no attribute name: only a–z and 0–9 are allowed' });
    } else if (TEXTS.has(name) ? typeof value !== 'string' : !isAttributeValue(value)) {
      const allowed = TEXTS.has(name) ? 'a string' : 'a string, a boolean or a 32-bit integer';
      problems.push({ path: name, message: `must be ${allowed}` });
    }
  }
  if (typeof time === 'string' && !isTime(time)) {
    problems.push({
      path: 'time',
      message: `is ${shown(time)}; it must be an RFC 3339 time such as "2026-01-31T12:00:00Z"`,
    });
  }
  return problems;
}

function isAttributeValue(value: unknown): boolean {
  const isInteger = typeof value === 'number' && Number.isInteger(value) && value >= -INT32 && value < INT32;
  return typeof value === 'string' || typeof value === 'boolean' || isInteger;
}

function isTime(time: string): boolean {
  return RFC3339.test(time) && !Number.isNaN(Date.parse(time.toUpperCase()));
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}
