/** The function that does what the cases ask for, in every language and in each of its kinds. */
import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join, relative } from 'node:path';
import type { Language } from './cases.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/conformance');

export interface Kind {
  name: string;
  language: Language;
  /** The program, and what makes it tell its version. */
  needs: [program: string, parameter: string];
  files: () => Record<string, string>;
}

export const KINDS: readonly Kind[] = [
  { name: 'JavaScript', language: 'node', needs: ['node', '--version'], files: javaScript },
  { name: 'TypeScript', language: 'node', needs: ['node', '--version'], files: () => filesOf('node') },
  { name: 'Python', language: 'python', needs: ['python3', '--version'], files: () => filesOf('python') },
  { name: 'Python, async', language: 'python', needs: ['python3', '--version'], files: asyncPython },
  { name: 'Go', language: 'go', needs: ['go', 'version'], files: () => filesOf('go') },
  { name: 'Rust', language: 'rust', needs: ['cargo', '--version'], files: () => filesOf('rust') },
];

function filesOf(language: Language): Record<string, string> {
  const folder = join(FIXTURES, language);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(paths.map((path) => [relative(folder, path), readFileSync(path, 'utf8')]));
}

function javaScript(): Record<string, string> {
  return { 'parser.mjs': stripTypeScriptTypes(filesOf('node')['parser.ts'] ?? '') };
}

function asyncPython(): Record<string, string> {
  return {
    'parser.py': (filesOf('python')['parser.py'] ?? '')
      .replace('def handler(', 'async def handler(')
      .replaceAll('time.sleep(', 'await asyncio.sleep('),
  };
}
