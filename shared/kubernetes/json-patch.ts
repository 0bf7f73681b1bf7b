/** JSON patch, RFC 6902: a list of operations, all or none of which take effect. */
import { sameValue } from './same-value.ts';

interface Operation {
  op?: unknown;
  path?: unknown;
  from?: unknown;
  value?: unknown;
}

/** Thrown where an operation does not apply, or is none. */
export class JsonPatchError extends Error {
  override readonly name = 'JsonPatchError';
}

/** Throws JsonPatchError where an operation does not apply. Keeps nulls, unlike the store: they are values here. */
export function jsonPatch(target: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) {
    throw new JsonPatchError('a JSON patch is a list of operations');
  }
  // The root stands in a box so that it can be replaced like any other value.
  const box = { root: structuredClone(target) };
  for (const operation of operations as Operation[]) {
    applyOperation(box, operation);
  }
  return box.root;
}

function applyOperation(box: { root: unknown }, { op, path, from, value }: Operation): void {
  const target = pointer(path);
  switch (op) {
    case 'add':
      insert(box, target, structuredClone(value));
      break;
    case 'remove':
      read(box, target);
      remove(box, target);
      break;
    case 'replace':
      read(box, target);
      replace(box, target, structuredClone(value));
      break;
    case 'move': {
      if (String(path).startsWith(`${from}/`)) {
        fail(`cannot move ${from} into itself`);
      }
      const source = pointer(from);
      const moved = read(box, source);
      remove(box, source);
      insert(box, target, moved);
      break;
    }
    case 'copy':
      insert(box, target, structuredClone(read(box, pointer(from))));
      break;
    case 'test':
      if (!sameValue(find(box, target) ?? null, value ?? null)) {
        fail(`testing value ${path} failed: test failed`);
      }
      break;
    default:
      fail(`unexpected kind of operation: ${JSON.stringify(op)}`);
  }
}

function pointer(path: unknown): string[] {
  if (typeof path !== 'string' || (path !== '' && !path.startsWith('/'))) {
    fail(`not a JSON pointer: ${path}`);
  }
  const parts = (path as string).split('/').slice(1);
  const tokens = parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (tokens.includes('__proto__')) {
    fail(`no such field: ${path}`);
  }
  return ['root', ...tokens];
}

function find(box: object, path: string[]): unknown {
  let value: unknown = box;
  for (const token of path) {
    if (value === null || typeof value !== 'object') {
      return undefined;
    }
    if (Array.isArray(value) ? !isIndex(token) : !Object.hasOwn(value, token)) {
      return undefined;
    }
    value = (value as Record<string, unknown>)[token];
  }
  return value;
}

function read(box: object, path: string[]): unknown {
  const value = find(box, path);
  if (value === undefined) {
    fail(`there is no value at ${text(path)}`);
  }
  return value;
}

function insert(box: object, path: string[], value: unknown): void {
  const [parent, last] = parentOf(box, path);
  if (!Array.isArray(parent)) {
    parent[last] = value;
    return;
  }
  const index = last === '-' ? parent.length : isIndex(last) ? Number(last) : Number.NaN;
  if (!(index <= parent.length)) {
    fail(`unable to access invalid index: ${last}`);
  }
  parent.splice(index, 0, value);
}

function replace(box: object, path: string[], value: unknown): void {
  const [parent, last] = parentOf(box, path);
  (parent as Record<string, unknown>)[last] = value;
}

function remove(box: object, path: string[]): void {
  const [parent, last] = parentOf(box, path);
  if (Array.isArray(parent)) {
    parent.splice(Number(last), 1);
  } else {
    delete parent[last];
  }
}

function parentOf(box: object, path: string[]): [parent: Record<string, unknown> | unknown[], last: string] {
  const parent = find(box, path.slice(0, -1));
  if (parent === null || typeof parent !== 'object') {
    fail(`there is no parent for ${text(path)}`);
  }
  return [parent as Record<string, unknown>, path.at(-1) as string];
}

function isIndex(token: string): boolean {
  return /^(0|[1-9]\d*)$/.test(token);
}

function text(path: string[]): string {
  return `/${path.slice(1).join('/')}`;
}

function fail(why: string): never {
  throw new JsonPatchError(why);
}
