/** The names that a Python module has at its top level, read from its text. */
import type { ExportedNames } from '#languages/exported-names.ts';
import { maskSource } from '#languages/mask-source.ts';
import { pythonSyntax } from './syntax.ts';

/** Statements whose bodies run at import, so that names bound in them are the module's. */
const BLOCK = /^(if|elif|else|try|except|finally|with|for|while|async\s+with|async\s+for|match|case)\b/;
const NAME = String.raw`[^\W\d]\w*`;
const DEFINITION = new RegExp(`^(?:async\\s+def|def|class)\\s+(${NAME})`, 'u');
/** `a = b = …`, `a: T = …`, `a, b = …`: every target left of a single `=`. */
const TARGETS = new RegExp(`^((?:${NAME}(?:\\s*,\\s*${NAME})*\\s*(?::[^=]+)?=(?!=)\\s*)+)`, 'u');

export function pythonNames(source: string): ExportedNames {
  const text = maskSource(source, pythonSyntax).replace(/\\\n/g, ' ');
  const names = new Set<string>();
  let open = /\bglobals\s*\(|\bexec\s*\(|\bsetattr\s*\(\s*sys\.modules/.test(text);
  let inBlock = false;
  let depth = 0;
  for (const line of text.split('\n')) {
    const continued = depth > 0;
    depth += bracketsOpened(line);
    if (line.trim() === '') {
      continue;
    }
    const indented = /^\s/.test(line);
    if (!indented && !continued) {
      inBlock = BLOCK.test(line);
    }
    // Inside a def or a class; inside brackets only an import list binds names, and that is read as a whole below.
    if (continued || (indented && !inBlock)) {
      continue;
    }
    const statement = line.trim();
    if (/^from\s+\S+\s+import\s+\*/.test(statement) || /^def\s+__getattr__\b/.test(statement)) {
      open = true;
    }
    for (const name of boundBy(statement)) {
      names.add(name);
    }
  }
  for (const [, list = ''] of text.matchAll(/^[ \t]*from\s+\S+\s+import\s*\(([^()]*)\)/gm)) {
    for (const name of imported(list)) {
      names.add(name);
    }
  }
  // A bracket that is never closed hides all that follows: Python itself says where it is.
  return { names: [...names], open: open || depth !== 0 };
}

function boundBy(statement: string): string[] {
  const definition = DEFINITION.exec(statement);
  if (definition?.[1]) {
    return [definition[1]];
  }
  const imports = /^(?:from\s+\S+\s+)?import\s+([^\s(][^(]*)$/.exec(statement);
  if (imports?.[1]) {
    return imported(imports[1]);
  }
  const names: string[] = [];
  const targets = TARGETS.exec(statement);
  for (const target of (targets?.[1] ?? '').split('=')) {
    names.push(
      ...target
        .replace(/:.*/s, '')
        .split(',')
        .map((name) => name.trim()),
    );
  }
  return names.filter((name) => name !== '');
}

/** `a, b as c` → a, c. `import a.b` binds a. */
function imported(list: string): string[] {
  return list
    .split(',')
    .map((item) => item.trim().split(/\s+/))
    .map(([name = '', as, alias]) => (as === 'as' && alias !== undefined ? alias : name).replace(/\..*/s, ''))
    .filter((name) => /^[^\W\d]\w*$/u.test(name));
}

function bracketsOpened(line: string): number {
  return (line.match(/[([{]/g)?.length ?? 0) - (line.match(/[)\]}]/g)?.length ?? 0);
}
