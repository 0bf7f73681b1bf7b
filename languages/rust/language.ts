/** Rust: how it is recognised, and its recipe. */
import type { LanguageSupport } from '#languages/language.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import { rustRecipe } from './recipe.ts';

export const rust: LanguageSupport = {
  name: 'Rust',
  recognisedBy: 'Cargo.toml and .rs files',
  manifests: ['Cargo.toml'],
  entryFiles: rustEntryFiles,
  recipe: rustRecipe,
};

/** The recipe finds the handler by its module: these two files only show that there is Rust. */
function rustEntryFiles(source: SourceReader): string[] {
  const file = source.paths.find((path) => path.endsWith('.rs'));
  return source.has('Cargo.toml') && file !== undefined ? ['Cargo.toml', file] : [];
}
