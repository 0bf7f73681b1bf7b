/** What a handler threw, whatever it was, as type and message. Nothing of it may throw again. */
import { exactJson } from './result-json.ts';

const MAX_MESSAGE = 512;
/** An error may be its own cause. */
const MAX_CAUSES = 5;

export interface Described {
  type: string;
  message: string;
}

export function describeError(error: unknown): Described {
  const type = textOf(error, 'name') || 'Error';
  // By code points, so that none is cut in two.
  return { type, message: [...messageOf(error, MAX_CAUSES)].slice(0, MAX_MESSAGE).join('') };
}

/** For the log. */
export function stackOf(error: unknown): string {
  return textOf(error, 'stack') || messageOf(error, MAX_CAUSES);
}

/** With its causes, where most often the reason stands: "fetch failed: connect ECONNREFUSED 127.0.0.1:80". */
function messageOf(error: unknown, causes: number): string {
  const own = textOf(error, 'message');
  const cause = property(error, 'cause');
  const parts = property(error, 'errors');
  const below = [...(Array.isArray(parts) ? parts.slice(0, 3) : []), ...(cause === undefined ? [] : [cause])];
  const told = causes > 0 ? below.map((one) => messageOf(one, causes - 1)) : [];
  const texts = [own, ...told].filter(
    (text, index, all) => text !== '' && !all.slice(0, index).some((before) => before.includes(text)),
  );
  return texts.join(': ') || shown(error);
}

/** Of what has no message. */
function shown(value: unknown): string {
  if (value instanceof Error) {
    return textOf(value, 'code') || `${textOf(value, 'name')} without a message`;
  }
  try {
    const json = typeof value === 'object' && value !== null ? exactJson(value) : undefined;
    return json ?? String(value);
  } catch {
    return 'an object that has no text';
  }
}

function textOf(value: unknown, name: string): string {
  const text = property(value, name);
  return typeof text === 'string' ? text : '';
}

function property(value: unknown, name: string): unknown {
  try {
    return Object(value)[name];
  } catch {
    return undefined;
  }
}
