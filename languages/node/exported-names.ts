/** The names that a Node module exports, ESM or CommonJS, JavaScript or TypeScript, read from its text. */
import type { ExportedNames } from '#languages/exported-names.ts';
import { maskSource } from '#languages/mask-source.ts';
import { nodeSyntax } from './syntax.ts';

const NAME = String.raw`[\p{ID_Start}$_][\p{ID_Continue}$]*`;
const WHOLE_NAME = new RegExp(`^${NAME}$`, 'u');
const FUNCTION = new RegExp(`^(?:async\\b|function\\b|class\\b|\\(|${NAME}\\s*=>)`, 'u');
const KEY = new RegExp(`^(?:async\\s+|get\\s+|\\*\\s*)*(${NAME})\\s*(?:[:(]|$)`, 'u');

/** A module says once what it exports. One that says it oftener is taken for one that may export anything. */
const MOST_ASSIGNMENTS = 10;

/** Exports that only running the file would show. */
const OPEN = [
  /\bexport\s*\*\s*from\b/,
  /\bexport\s+(?:const|let|var)\s*[{[]/,
  /\bmodule\s*\.\s*exports\s*=\s*(?:await\s+)?(?:require|Object|new|\.\.\.)/,
  /\b(?:Object\s*\.\s*(?:assign|defineProperties)|__exportStar|__export|__toCommonJS|__createBinding)\s*\(/,
  /\b(?:module\s*\.\s*)?exports\s*\[/,
  /\bmodule\s*\[/,
  /\bexport\s*=/,
  /[=(,]\s*(?:module\s*\.\s*)?exports\s*[),;]/,
];

export function nodeNames(source: string): ExportedNames {
  const text = maskSource(source, nodeSyntax);
  const names = new Set<string>();
  const addAll = (pattern: string) => {
    for (const match of text.matchAll(new RegExp(pattern, 'gu'))) {
      names.add(match[1] as string);
    }
  };
  addAll(String.raw`\bexport\s+(?:async\s+)?function(?:\s*\*\s*|\s+)(${NAME})`);
  addAll(String.raw`\bexport\s+(?:abstract\s+)?class\s+(${NAME})`);
  // All of `export const a = …, b = …` but the first are missed; a handler is hardly ever the second.
  addAll(String.raw`\bexport\s+(?:const|let|var)\s+(${NAME})`);
  addAll(String.raw`\bexport\s*\*\s*as\s+(${NAME})`);
  addAll(String.raw`\b(?:module\s*\.\s*)?exports\s*\.\s*(${NAME})\s*=(?!=)`);
  if (/\bexport\s+default\b/.test(text)) {
    names.add('default');
  }
  for (const [, list = ''] of text.matchAll(/\bexport\s*\{([^{}]*)\}/g)) {
    for (const item of list.split(',').map((entry) => entry.trim())) {
      const name = item.split(/\s+/).at(-1) ?? '';
      if (WHOLE_NAME.test(name) && !/^type\s+(?!as\b)/.test(item)) {
        names.add(name);
      }
    }
  }
  let open = OPEN.some((pattern) => pattern.test(text));
  const assignments = [...text.matchAll(/\bmodule\s*\.\s*exports\s*=\s*/g)];
  open ||= assignments.length > MOST_ASSIGNMENTS;
  for (const match of assignments.slice(0, MOST_ASSIGNMENTS)) {
    const assigned = text.slice(match.index + match[0].length);
    if (assigned.startsWith('{')) {
      const keys = objectKeys(assigned);
      open ||= keys.open;
      for (const name of keys.names) {
        names.add(name);
      }
    } else if (FUNCTION.test(assigned)) {
      names.add('default');
    } else {
      // A variable: it may be a function or an object with anything in it.
      open = true;
    }
  }
  return { names: [...names], open };
}

/** The keys of the object literal at the start of `text`, those of nested objects left out. */
function objectKeys(text: string): ExportedNames {
  const names: string[] = [];
  let open = false;
  let depth = 0;
  let entry = '';
  const close = () => {
    const trimmed = entry.trim();
    // A string for a key is masked, so its name is not known.
    open ||= /^(?:\.\.\.|\[|['"])/.test(trimmed);
    const name = KEY.exec(trimmed)?.[1];
    if (name !== undefined) {
      names.push(name);
    }
    entry = '';
  };
  for (const character of text) {
    if ('{[('.includes(character)) {
      depth += 1;
      if (depth === 1) {
        continue;
      }
    }
    if (')]}'.includes(character)) {
      depth -= 1;
    }
    if (depth === 0) {
      close();
      return { names, open };
    }
    if (depth === 1 && character === ',') {
      close();
    } else {
      entry += character;
    }
  }
  return { names, open: true };
}
