/** What the platform knows of a language. All of it is in the language's folder; registry.ts lists the folders. */
import type { SourceReader } from '#shared/packing/source-reader.ts';
import type { BuildRequest, BuildSettings, CodeLayerPlan, GeneratedFile } from '#shared/packing/types.ts';

export interface LanguageSupport {
  /** As people write it. */
  name: string;
  /** The rest of the sentence "NAME is recognised by …". */
  recognisedBy: string;
  /** Files that tell the language where there is no entry file of any language. */
  manifests: readonly string[];
  /** The files of the source that may hold the handler, best first. `handler` is `parameters.handler`. */
  entryFiles: (source: SourceReader, handler: string | undefined) => string[] | Promise<string[]>;
  recipe: Recipe;
}

/**
 * The language's way from a source to an image. Checks the source first: throws PermanentError HandlerNotFound or
 * InvalidManifest before a byte is packed.
 */
export type Recipe = (input: RecipeInput) => Promise<RecipeResult>;

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
  /** Undefined where the build itself runs or compiles the code. */
  codeLayer?: CodeLayerPlan | undefined;
}
