/** Puts the files of examples/ into the bundle of `kn-lambda`, which has to be one file. */
import { join } from 'node:path';
import type { Plugin } from 'esbuild';

export function frozenTemplates(root: string): Plugin {
  return {
    name: 'frozen-templates',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]cli[\\/]kn-lambda[\\/]templates\.ts$/ }, async ({ path }) => {
        const { LANGUAGES, templates } = await import(path);
        const contents = `export const LANGUAGES = ${JSON.stringify(LANGUAGES)};
          const frozen = ${JSON.stringify(templates())};
          export const templates = () => frozen;`;
        return { contents, loader: 'js', resolveDir: join(root, 'cli/kn-lambda') };
      });
    },
  };
}
