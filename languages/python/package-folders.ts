/**
 * Folders of the source that hold packages, as `src/` does: they come onto the path, since the project is not
 * installed.
 */
import { posix } from 'node:path';
import { parse } from 'smol-toml';
import type { SourceReader } from '#shared/packing/source-reader.ts';

interface Manifest {
  tool?: {
    setuptools?: { 'package-dir'?: Record<string, string>; packages?: { find?: { where?: string[] } } };
    poetry?: { packages?: { from?: string }[] };
    hatch?: { build?: { sources?: string[]; targets?: { wheel?: { packages?: string[]; sources?: string[] } } } };
    pdm?: { build?: { 'package-dir'?: string } };
    uv?: { 'build-backend'?: { 'module-root'?: string } };
  };
}

/** Relative, without the top folder. By the project's manifest, and `src` where there is a manifest at all. */
export async function packageFolders(source: SourceReader): Promise<string[]> {
  const texts = await Promise.all(['pyproject.toml', 'setup.cfg', 'setup.py'].map(source.text));
  const [project, ...setup] = texts;
  const folders = texts.some((text) => text !== undefined) ? ['src'] : [];
  folders.push(...foldersOfProject(project));
  for (const text of setup) {
    // package_dir = {"": "lib"}, find_packages("lib"), or `where = lib` below [options.packages.find].
    for (const match of (text ?? '').matchAll(
      /package_dir\s*=\s*(?:\{\s*["']["']\s*:\s*["']([\w./-]+)|=\s*([\w./-]+))|find_packages\(\s*(?:where\s*=\s*)?["']([\w./-]+)|^\s*where\s*=\s*([\w./-]+)|package_dir\s*=\s*\n\s*=\s*([\w./-]+)/gm,
    )) {
      folders.push(match.slice(1).find((folder) => folder !== undefined) ?? '');
    }
  }
  const there = folders
    .map((folder) => posix.join(folder).replace(/\/$/, ''))
    .filter((folder) => folder !== '.' && source.paths.some((path) => path.startsWith(`${folder}/`)));
  return [...new Set(there)];
}

function foldersOfProject(text: string | undefined): string[] {
  let manifest: Manifest;
  try {
    manifest = text === undefined ? {} : (parse(text) as Manifest);
  } catch {
    return [];
  }
  const { setuptools, poetry, hatch, pdm, uv } = manifest.tool ?? {};
  const wheel = hatch?.build?.targets?.wheel;
  const found: unknown[] = [
    setuptools?.['package-dir']?.[''],
    ...listOf(setuptools?.packages?.find?.where),
    ...listOf(poetry?.packages).map((entry) => (Object(entry) as { from?: unknown }).from),
    ...listOf(wheel?.packages).map((path) => posix.dirname(String(path))),
    ...listOf(wheel?.sources),
    ...listOf(hatch?.build?.sources),
    pdm?.build?.['package-dir'],
    uv?.['build-backend']?.['module-root'],
  ];
  return found.filter((folder): folder is string => typeof folder === 'string' && folder !== '');
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
