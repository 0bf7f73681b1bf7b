/** Lock files of uv, Poetry and PDM, as constraints for pip: what is installed then has the versions that they say. */
import { parse } from 'smol-toml';
import { invalidManifest } from '#languages/invalid-manifest.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';

/** Best first. */
export const LOCKS = ['uv.lock', 'poetry.lock', 'pdm.lock', 'pylock.toml'];
const PUBLIC = /^https:\/\/pypi\.(?:org|python\.org)\//;
const WORD = /^[\w.!+-]+$/;
/** A part of a marker: what would end it, or the line, is no marker. */
const MARKER = /^[^;#\r\n]+$/;

interface Locked {
  name?: unknown;
  version?: unknown;
  /** uv: `{ registry = "https://…" }`, or a path, an address, a repository. */
  source?: { registry?: unknown };
  /** uv, of one that has several versions: for whom each is. */
  'resolution-markers'?: unknown;
}

/** `name==version` lines; undefined where there is no lock file. Throws PermanentError InvalidManifest. */
export async function lockedVersions(source: SourceReader): Promise<string[] | undefined> {
  const file = LOCKS.find(source.has);
  const text = file === undefined ? undefined : await source.text(file);
  if (file === undefined || text === undefined) {
    return undefined;
  }
  const packages = packagesOf(file, text);
  const versions = Map.groupBy(packages, ({ name }) => name);
  return packages.flatMap((locked) => {
    const { name, version, source: origin } = locked;
    if (typeof name !== 'string' || typeof version !== 'string' || !WORD.test(name) || !WORD.test(version)) {
      return [];
    }
    const registry = origin?.registry;
    if (typeof registry === 'string' && /^https?:/.test(registry) && !PUBLIC.test(registry)) {
      throw invalidManifest(
        file,
        undefined,
        `has ${name} from ${registry}, and pip would take it from another index. Write requirements.txt, with --index-url at its top (\`uv export --no-hashes -o requirements.txt\`)`,
      );
    }
    const isFromIndex = origin === undefined || registry !== undefined;
    const marker = (versions.get(name)?.length ?? 0) > 1 ? markerOf(locked) : '';
    return isFromIndex && marker !== undefined ? [`${name}==${version}${marker}`] : [];
  });
}

function packagesOf(file: string, text: string): Locked[] {
  let document: { package?: unknown; packages?: unknown };
  try {
    document = parse(text);
  } catch (cause) {
    throw invalidManifest(file, undefined, `is no TOML: ${(cause as Error).message.split('\n')[0]}. Lock again`, cause);
  }
  const list = document.package ?? document.packages;
  return Array.isArray(list) ? list.map((entry) => Object(entry) as Locked) : [];
}

/** Undefined where the lock file does not say for whom the version is: then pip chooses. */
function markerOf({ 'resolution-markers': markers }: Locked): string | undefined {
  const parts = Array.isArray(markers) ? markers.map(String) : [];
  return parts.length === 0 || !parts.every((part) => MARKER.test(part))
    ? undefined
    : ` ; ${parts.map((part) => `(${part})`).join(' or ')}`;
}
