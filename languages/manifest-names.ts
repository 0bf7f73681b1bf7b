/** Manifests by names that nobody reads: `Requirements.txt`, as some file systems let one write it. */
import type { SourceReader } from '#shared/packing/source-reader.ts';
import { invalidManifest } from './invalid-manifest.ts';

const NAMES = `Dockerfile requirements.txt pyproject.toml Pipfile setup.py setup.cfg uv.lock poetry.lock pdm.lock
  package.json package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml pnpm-workspace.yaml .npmrc .yarnrc .yarnrc.yml
  go.mod go.sum go.work Cargo.toml Cargo.lock`.split(/\s+/);
const BY_LETTERS = new Map(NAMES.map((name) => [name.toLowerCase(), name]));

/** Throws PermanentError InvalidManifest: what it says would not count. */
export function checkManifestNames(source: SourceReader): void {
  for (const path of source.paths) {
    const name = BY_LETTERS.get(path.toLowerCase());
    if (name !== undefined && name !== path && !source.has(name)) {
      throw invalidManifest(
        path,
        undefined,
        `is not read, since names are told apart by their letters: rename it to ${name}`,
      );
    }
  }
}
