/**
 * Decides how a source becomes an image, and refuses it where it can't: everything that is checked before a byte is
 * packed.
 */

import { dockerRecipe } from '#languages/docker/recipe.ts';
import type { RecipeResult } from '#languages/language.ts';
import { checkManifestNames } from '#languages/manifest-names.ts';
import { registry } from '#languages/registry.ts';
import type { Language } from '#shared/events/parameters.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import type { BuildRequest, BuildSettings } from '#shared/packing/types.ts';
import { detectLanguage } from './detect-language.ts';

export interface Plan extends RecipeResult {
  language: Language;
}

export async function planBuild(
  source: SourceReader,
  request: BuildRequest,
  settings: Pick<BuildSettings, 'baseImages' | 'adapters'>,
): Promise<Plan> {
  // Of a source with a Dockerfile nobody else reads anything.
  if (!source.has('Dockerfile')) {
    checkManifestNames(source);
  }
  const language = await detectLanguage(source, request);
  const recipe = language === 'docker' ? dockerRecipe : registry[language].recipe;
  return { language, ...(await recipe({ source, request, settings })) };
}
