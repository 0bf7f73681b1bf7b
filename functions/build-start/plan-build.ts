/** Decides how a source becomes an image, and refuses it where it can't: everything that is checked before a byte is packed. */

import { dockerRecipe } from '#languages/docker/recipe.ts';
import { goRecipe } from '#languages/go/recipe.ts';
import { nodeRecipe } from '#languages/node/recipe.ts';
import { pythonRecipe } from '#languages/python/recipe.ts';
import type { Recipe, RecipeResult } from '#languages/recipe.ts';
import type { Language } from '#shared/events/parameters.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import type { BuildRequest, BuildSettings } from '#shared/packing/types.ts';
import { detectLanguage } from './detect-language.ts';

const recipes: Record<Language, Recipe> = {
  python: pythonRecipe,
  node: nodeRecipe,
  go: goRecipe,
  docker: dockerRecipe,
};

export interface Plan extends RecipeResult {
  language: Language;
}

export async function planBuild(
  source: SourceReader,
  request: BuildRequest,
  settings: Pick<BuildSettings, 'baseImages' | 'adapters'>,
): Promise<Plan> {
  const language = await detectLanguage(source, request);
  return { language, ...(await recipes[language]({ source, request, settings })) };
}
