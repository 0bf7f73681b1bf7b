/** The functions that `init` begins with: the folders of examples/. The bundle holds what this module gives. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** For each language its files, by path. */
export type Templates = Record<string, Record<string, string>>;

export const LANGUAGES = ['node', 'python', 'go', 'rust'] as const;

export function templates(): Templates {
  const examples = join(import.meta.dirname, '../../examples');
  return Object.fromEntries(LANGUAGES.map((language) => [language, filesIn(join(examples, language))]));
}

/** Their README is about curl and S3. */
function filesIn(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'README.md')
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !/(^|\/)(target|node_modules|__pycache__)\//.test(path))
    .sort();
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}
