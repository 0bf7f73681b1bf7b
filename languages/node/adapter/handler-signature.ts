/**
 * A handler is called with (event, context). One that was written for another platform would take the one for the
 * other, silently: it is refused by what its parameters are called and how many there are.
 */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

type Callable = (...parameters: never[]) => unknown;

const CONTEXT = /^_*(?:context|ctx)$/i;
const RESPONSE = /^_*(?:res|resp|response|reply|callback|cb|done|next)$/i;

/** What is wrong with it, and what to write instead; undefined where nothing is. */
export function signatureProblem(handler: Callable, name: string): string | undefined {
  const names = parameterNames(handler);
  const [first = '', second = ''] = names;
  const taken = names.length < handler.length ? `takes ${handler.length} parameters` : `takes (${names.join(', ')})`;
  const here = 'Here it is called with (event, context)';
  if (/^lambda_?handler$/i.test(name)) {
    return `is named as a handler of AWS Lambda, whose event is the data alone. ${here}, and the data is event.data: write \`export const handler = (event, context) => ${name}(event.data, context)\`, and name that one in parameters.handler`;
  }
  if (second !== '' && CONTEXT.test(first)) {
    return `${taken}, as func and Nuclio call it. ${here}: write (${second}, ${first})`;
  }
  if (handler.length > 2 || RESPONSE.test(second)) {
    const platform = handler.length > 2 ? 'a handler of AWS Lambda with a callback' : 'a handler of an HTTP server';
    return `${taken}, as ${platform}. ${here}, the data is event.data, and the result is what it returns: write \`async function ${name}(event, context)\`, and return the result`;
  }
  return undefined;
}

/** A second parameter with a default is somebody's own, unless it is called so. */
export function takesContext(handler: Callable): boolean {
  return handler.length !== 1 || CONTEXT.test(parameterNames(handler)[1] ?? '');
}

/** Its place, such as `parser.js:3`; without a line where it is not written in that file. */
export function placeOfHandler(handler: Callable, root: string, file: string): string {
  const text = readFileSync(`${root}/${file}`, 'utf8');
  // What runs: the types are blanks there.
  const code = /\.[cm]?ts$/.test(file) ? stripTypeScriptTypes(text) : text;
  const at = code.indexOf(String(handler));
  return at < 0 ? file : `${file}:${code.slice(0, at).split('\n').length}`;
}

/** Up to the first that has no simple name, as `{ data }` has none. */
function parameterNames(handler: Callable): string[] {
  const source = Function.prototype.toString.call(handler).replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '');
  const list = /^(?:async\b\s*)?(?:function\b\s*)?\*?\s*[\w$]*\s*\(([^)]*)/.exec(source)?.[1] ?? '';
  const names = list.split(',').map((parameter) => /^\s*([\w$]+)\s*(?:=|$)/.exec(parameter)?.[1]);
  const end = names.indexOf(undefined);
  return (end < 0 ? names : names.slice(0, end)) as string[];
}
