/** What a recipe is: one language's way from a source to an image. */
import type { SourceReader } from '#shared/packing/source-reader.ts';
import type { BuildRequest, BuildSettings, GeneratedFile } from '#shared/packing/types.ts';

export interface RecipeInput {
  source: SourceReader;
  request: BuildRequest;
  settings: Pick<BuildSettings, 'baseImages' | 'adapters'>;
}

export interface RecipeResult {
  /** Ours, under `.knative-lambda/`, the Dockerfile among them. */
  files: GeneratedFile[];
  /** Paths of the user's that must not come into the image: what the build makes itself. */
  excludes: (path: string) => boolean;
}

/** Checks the source first: throws PermanentError HandlerNotFound or InvalidManifest before a byte is packed. */
export type Recipe = (input: RecipeInput) => Promise<RecipeResult>;
