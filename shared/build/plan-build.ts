/** Decides how a source becomes an image, and refuses it where it can't: everything that is checked before a byte is packed. */
import type { Language } from '../events/parameters.ts';
import { detectLanguage } from './detect-language.ts';
import { dockerRecipe } from './recipes/docker.ts';
import { goRecipe } from './recipes/go.ts';
import { nodeRecipe } from './recipes/node.ts';
import { pythonRecipe } from './recipes/python.ts';
import type { Recipe, RecipeResult } from './recipes/recipe.ts';
import type { SourceReader } from './source-reader.ts';
import type { BuildRequest, BuildSettings } from './types.ts';

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
