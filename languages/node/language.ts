/** Node: how it is recognised, and its recipe. */
import type { LanguageSupport } from '#languages/language.ts';
import { nodeEntryFiles } from './entry-files.ts';
import { nodeRecipe } from './recipe.ts';

export const node: LanguageSupport = {
  name: 'Node',
  recognisedBy: 'parser, index or handler with .js, .mjs, .cjs or .ts, or by "main" in package.json',
  manifests: ['package.json'],
  entryFiles: nodeEntryFiles,
  recipe: nodeRecipe,
};
