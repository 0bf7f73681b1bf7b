/** `[tool.uv.sources]`: where a dependency comes from, written as pip reads it. */
import { posix } from 'node:path';
import { parse } from 'smol-toml';
import { invalidManifest } from '#languages/invalid-manifest.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import { checkLocalProject } from './local-project.ts';

export type UvSources = Record<string, unknown>;

const FILE = 'pyproject.toml';
/** Name, extras, the rest, marker. */
const DEPENDENCY = /^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(\[[^\]]*\])?([^;]*)(;.*)?$/s;
/** What a URL or a path may have, so that it stays one word of a requirements file. */
const WORD = /^[^\s;#"'\\]+$/;
/** Folders of a workspace that are looked into. */
const MAX_MEMBERS = 50;

/** As pip compares names: `Foo.bar_baz` is `foo-bar-baz`. Undefined where the text is no requirement. */
export function nameOf(dependency: string): string | undefined {
  return DEPENDENCY.exec(dependency)?.[1]
    ?.toLowerCase()
    .replace(/[-_.]+/g, '-');
}

/** Throws PermanentError InvalidManifest, by the source's name, where pip has no such thing. */
export async function requirementLines(
  source: SourceReader,
  dependencies: string[],
  sources: UvSources,
): Promise<string[]> {
  const byName = new Map(Object.entries(sources).map(([name, value]) => [nameOf(name), value]));
  const lines: string[] = [];
  for (const dependency of dependencies) {
    const origin = byName.get(nameOf(dependency));
    lines.push(origin === undefined ? dependency : await lineFrom(source, dependency, origin));
  }
  return lines;
}

async function lineFrom(source: SourceReader, dependency: string, origin: unknown): Promise<string> {
  const [, name = '', extras = '', , marker = ''] = DEPENDENCY.exec(dependency) ?? [];
  const { path, git, url, workspace, ...rest } = Object(origin) as Record<string, unknown>;
  const { rev, tag, branch, subdirectory, editable: _, package: isPackage, ...unknown } = rest;
  const suffix = marker === '' ? '' : ` ${marker}`;
  const unread = Array.isArray(origin) ? ['a list with markers'] : Object.keys(unknown);
  if (unread.length > 0 || isPackage === false) {
    throw refused(name, `${unread[0] ?? 'package = false'}, which pip has not`);
  }
  if (workspace === true || path !== undefined) {
    const folder = workspace === true ? await memberCalled(source, name) : posix.join(String(path));
    return `./${await checkedPath(source, name, folder)}${extras}${suffix}`;
  }
  const address = git === undefined ? url : `git+${String(git).replace(/^git\+/, '')}`;
  const revision = rev ?? tag ?? branch;
  const words = [address, revision, subdirectory].filter((word) => word !== undefined);
  if (address === undefined || !words.every((word) => WORD.test(String(word)))) {
    throw refused(name, 'neither path, git, url nor workspace');
  }
  const at = git === undefined || revision === undefined ? '' : `@${revision}`;
  const below = subdirectory === undefined ? '' : `#subdirectory=${subdirectory}`;
  return `${name}${extras} @ ${address}${at}${below}${suffix}`;
}

async function checkedPath(source: SourceReader, name: string, path: string): Promise<string> {
  if (path.startsWith('..') || posix.isAbsolute(path)) {
    throw refused(name, `the path ${path}, which is outside of what is uploaded: upload it with the function`);
  }
  const isThere = source.has(path) || source.paths.some((known) => known.startsWith(`${path}/`));
  if (!isThere || !WORD.test(path)) {
    throw refused(name, `the path ${path}, which was not uploaded`);
  }
  await checkLocalProject(source, path, '[tool.uv.sources]');
  return path;
}

/** The folder whose pyproject.toml has that name. */
async function memberCalled(source: SourceReader, name: string): Promise<string> {
  const manifests = source.paths.filter((path) => path.endsWith(`/${FILE}`)).slice(0, MAX_MEMBERS);
  for (const path of manifests) {
    if (nameOf(projectName(await source.text(path))) === nameOf(name)) {
      return posix.dirname(path);
    }
  }
  throw refused(name, 'workspace = true, and no uploaded folder has a pyproject.toml of that name');
}

function projectName(text = ''): string {
  try {
    const { project } = parse(text) as { project?: { name?: string } };
    return String(project?.name ?? '');
  } catch {
    return '';
  }
}

function refused(name: string, what: string): Error {
  return invalidManifest(
    FILE,
    undefined,
    `has for ${JSON.stringify(name)} in [tool.uv.sources] ${what}. Mend it, or write requirements.txt (\`uv export --no-hashes -o requirements.txt\`)`,
  );
}
