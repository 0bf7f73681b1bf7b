/** Label selectors in their query form: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. */
import { ApiError } from './api-error.ts';

type Labels = Record<string, string>;
type Requirement = (labels: Labels) => boolean;

const KEY = '[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?';
const VALUE = '[-A-Za-z0-9_.]*';
const SET = new RegExp(String.raw`^(${KEY})\s+(in|notin)\s*\(([^()]*)\)$`);
const EQUALITY = new RegExp(String.raw`^(${KEY})\s*(==|=|!=)\s*(${VALUE})$`);
const EXISTENCE = new RegExp(String.raw`^(!?)\s*(${KEY})$`);

/** An empty selector takes everything. Throws ApiError 400 where it cannot be read. */
export function parseLabelSelector(selector: string): Requirement {
  if (!selector.trim()) {
    return () => true;
  }
  const requirements = splitOutsideParentheses(selector).map((part) => parseRequirement(part.trim(), selector));
  return (labels) => requirements.every((holds) => holds(labels));
}

function parseRequirement(text: string, selector: string): Requirement {
  const set = SET.exec(text);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => value.trim()));
    if (operator === 'in') {
      return (labels) => Object.hasOwn(labels, key) && values.has(labels[key] as string);
    }
    return (labels) => !Object.hasOwn(labels, key) || !values.has(labels[key] as string);
  }
  const equality = EQUALITY.exec(text);
  if (equality) {
    const [, key = '', operator, value] = equality;
    // Labels that lack the key differ from any value.
    return (labels) => (Object.hasOwn(labels, key) && labels[key] === value) === (operator !== '!=');
  }
  const existence = EXISTENCE.exec(text);
  if (existence) {
    const [, not, key = ''] = existence;
    return (labels) => Object.hasOwn(labels, key) === !not;
  }
  throw ApiError.badRequest(`unable to parse requirement: ${JSON.stringify(text)} in label selector "${selector}"`);
}

function splitOutsideParentheses(selector: string): string[] {
  return selector.match(/(?:[^,()]|\([^()]*\)?|\))+/g) ?? [];
}
