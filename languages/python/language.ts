/** Python: how it is recognised, and its recipe. */
import type { LanguageSupport } from '#languages/language.ts';
import { pythonEntryFiles } from './entry-files.ts';
import { pythonRecipe } from './recipe.ts';

export const python: LanguageSupport = {
  name: 'Python',
  recognisedBy: 'parser.py, main.py or handler.py',
  manifests: ['requirements.txt', 'pyproject.toml'],
  entryFiles: pythonEntryFiles,
  recipe: pythonRecipe,
};
