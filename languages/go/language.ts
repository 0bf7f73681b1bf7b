/** Go: how it is recognised, and its recipe. */
import type { LanguageSupport } from '#languages/language.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import { isBuiltByName } from './build-files.ts';
import { goRecipe } from './recipe.ts';

export const go: LanguageSupport = {
  name: 'Go',
  recognisedBy: 'go.mod and .go files',
  manifests: ['go.mod'],
  entryFiles: goEntryFiles,
  recipe: goRecipe,
};

/** The recipe finds the handler by its package: these two files only show that there is Go. */
function goEntryFiles(source: SourceReader): string[] {
  const file = source.paths.find(isBuiltByName);
  return source.has('go.mod') && file !== undefined ? ['go.mod', file] : [];
}
