/**
 * Field selectors: `metadata.name=a,status.phase!=Running`. Any field may be named, where Kubernetes knows a few of
 * each kind.
 */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import { ApiError } from './api-error.ts';

/**
 * An absent field counts as empty, and numbers and booleans as their text. Throws ApiError 400 where it cannot be read.
 */
export function parseFieldSelector(selector: string): (object: KubeObject) => boolean {
  const terms = selector.split(/(?<!\\),/).filter((term) => term.trim() !== '');
  const requirements = terms.map((term) => {
    const parts = /^\s*([\w.\-/]+)\s*(==|=|!=)(.*)$/s.exec(term);
    if (!parts) {
      throw ApiError.badRequest(`invalid selector: '${selector}'; can't understand '${term}'`);
    }
    const [, path = '', operator, value = ''] = parts;
    const wanted = value.replaceAll(/\\(.)/g, '$1');
    return (object: KubeObject) => (fieldText(object, path.split('.')) === wanted) === (operator !== '!=');
  });
  return (object) => requirements.every((holds) => holds(object));
}

function fieldText(object: unknown, path: string[]): string {
  let value = object;
  for (const field of path) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, field)) {
      return '';
    }
    value = (value as Record<string, unknown>)[field];
  }
  return value === null || typeof value === 'object' ? '' : String(value);
}
