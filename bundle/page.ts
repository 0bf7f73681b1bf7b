/** The page as static files: small, with names that say what is in them, and compressed beforehand. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { build, type InlineConfig } from 'vite';

/** `root` is the folder of the sources of everything. */
export function pageConfig(root: string): InlineConfig {
  return {
    root: join(root, 'page'),
    // No file of settings: what is built is the same everywhere.
    configFile: false,
    envDir: false,
    logLevel: 'warn',
    // Said, because NODE_ENV would decide: JSX for development names the folders of this machine.
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact', development: false } },
  };
}

export async function bundlePage(root: string, outdir: string): Promise<void> {
  await build({
    ...pageConfig(root),
    build: {
      outDir: outdir,
      emptyOutDir: true,
      target: 'baseline-widely-available',
      // The policy of the page allows no data in addresses but images.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      // How long its parts took is of no interest here.
      rolldownOptions: { checks: { pluginTimings: false } },
    },
  });
  for (const file of filesUnder(outdir)) {
    const bytes = readFileSync(file);
    const compressed = gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION });
    // What grows by it is sent as it is.
    if (compressed.length < bytes.length) {
      writeFileSync(`${file}.gz`, compressed);
    }
  }
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
