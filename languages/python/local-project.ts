/**
 * A package of the source's own that pip installs: pip reads nothing of what uv or Poetry say in its pyproject.toml
 * about where its dependencies come from, and would fetch others of the same names.
 */
import { posix } from 'node:path';
import { parse } from 'smol-toml';
import { invalidManifest } from '#languages/invalid-manifest.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';

type Table = Record<string, unknown>;

/** `by` names it. Throws PermanentError InvalidManifest. */
export async function checkLocalProject(source: SourceReader, folder: string, by: string): Promise<void> {
  const file = posix.join(folder, 'pyproject.toml');
  const text = await source.text(file);
  if (text === undefined) {
    return;
  }
  let sources: Table;
  try {
    const { tool } = parse(text) as { tool?: { uv?: { sources?: Table } } };
    sources = tool?.uv?.sources ?? {};
  } catch {
    // pip says it.
    return;
  }
  const names = Object.keys(sources);
  if (names.length > 0) {
    throw invalidManifest(
      file,
      undefined,
      `has [tool.uv.sources] (${names.slice(0, 5).join(', ')}), which pip does not read when ${by} installs that package. Name those packages by their paths or URLs in requirements.txt of the top folder, and leave them out here`,
    );
  }
}
