/** pyproject.toml, for what it says of dependencies. What it says and we do not read is refused by its name. */
import * as z from 'zod';
import { invalidManifest } from '#languages/invalid-manifest.ts';
import { readToml } from '#languages/read-toml.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import { nameOf, requirementLines, type UvSources } from './uv-sources.ts';

const FILE = 'pyproject.toml';

const table = z.record(z.string(), z.unknown());
const list = z.array(z.unknown());
const group = z.object({ dependencies: table.optional(), optional: z.boolean().optional() });

const poetrySchema = z.object({
  dependencies: table.optional(),
  group: z.record(z.string(), group).optional(),
  source: list.optional(),
});
const uvSchema = z.object({
  sources: table.optional(),
  index: list.optional(),
  'index-url': z.string().optional(),
  'extra-index-url': list.optional(),
  'find-links': list.optional(),
  'override-dependencies': list.optional(),
  'constraint-dependencies': list.optional(),
  'dependency-metadata': list.optional(),
  pip: table.optional(),
});
const schema = z.object({
  project: z
    .object({
      name: z.string().optional(),
      dependencies: z.array(z.string()).optional(),
      dynamic: z.array(z.string()).optional(),
    })
    .optional(),
  'dependency-groups': z.record(z.string(), list).optional(),
  tool: z
    .object({
      poetry: poetrySchema.optional(),
      uv: uvSchema.optional(),
      pdm: z
        .object({
          source: list.optional(),
          resolution: z.object({ overrides: table.optional() }).optional(),
        })
        .optional(),
      rye: z.object({ sources: list.optional() }).optional(),
      flit: z.object({ metadata: z.object({ requires: list.optional() }).optional() }).optional(),
      pixi: z.object({ dependencies: table.optional(), 'pypi-dependencies': table.optional() }).optional(),
    })
    .optional(),
});

type Project = z.infer<typeof schema>;

/** Groups for developers, by the names they usually have: nobody expects them in a function. */
const FOR_DEVELOPERS =
  /^(?:dev|develop|development|tests?|testing|lint(?:ing)?|docs?|typing|types|typecheck|format|style|ci|qa)$/i;

/**
 * The lines of a requirements file that installs `[project].dependencies`; undefined where there are none. The project
 * itself is not installed: its code is imported from where it lies. Throws PermanentError InvalidManifest.
 */
export async function requirementsOfProject(source: SourceReader, text: string): Promise<string[] | undefined> {
  const document = readToml(text, { file: FILE, what: 'project manifest', schema });
  const { project, tool } = document;
  if (project?.dynamic?.includes('dependencies')) {
    throw refused(
      'has its dependencies computed by a build back end (project.dynamic), which is not run. List them in [project] dependencies, or in requirements.txt',
    );
  }
  for (const problem of unread(document)) {
    throw refused(problem);
  }
  const dependencies = project?.dependencies ?? [];
  for (const dependency of dependencies) {
    // A line that begins with "-" or holds a line break would be read as an option of pip's.
    if (/^\s*-|[\r\n]/.test(dependency) || nameOf(dependency) === undefined) {
      throw refused(`has ${JSON.stringify(dependency)} in [project] dependencies, which is no requirement. Mend it`);
    }
  }
  const lines = await requirementLines(source, dependencies, (tool?.uv?.sources ?? {}) as UvSources);
  return lines.length > 0 ? lines : undefined;
}

/** Each says what is there, and what to write instead. */
function* unread(document: Project): Iterable<string> {
  yield* ofPoetry(document);
  yield* ofGroups(document);
  yield* ofIndexes(document);
  const { flit, pixi } = document.tool ?? {};
  if (document.project?.dependencies === undefined) {
    const elsewhere = {
      'tool.flit.metadata.requires': flit?.metadata?.requires?.length ?? 0,
      'tool.pixi.dependencies': Object.keys(pixi?.dependencies ?? {}).filter((name) => name !== 'python').length,
      'tool.pixi.pypi-dependencies': Object.keys(pixi?.['pypi-dependencies'] ?? {}).length,
    };
    const found = Object.entries(elsewhere).find(([, count]) => count > 0);
    if (found) {
      yield `has its dependencies in ${found[0]} alone, which is not read. Write them to [project] dependencies, or to requirements.txt`;
    }
  }
}

function* ofPoetry({ project, tool }: Project): Iterable<string> {
  const export_ = 'Write them to requirements.txt (`poetry export -o requirements.txt`)';
  const dependencies = Object.entries(tool?.poetry?.dependencies ?? {}).filter(
    ([name]) => name.toLowerCase() !== 'python',
  );
  const names = dependencies.map(([name]) => name);
  if (project?.dependencies === undefined && names.length > 0) {
    yield `has its dependencies in [tool.poetry.dependencies] alone (${shown(names)}). ${export_}, or move them to [project] dependencies`;
  }
  // Poetry 2 reads both, and takes from here where a package comes from.
  const listed = new Set(project?.dependencies?.map(nameOf));
  const more = dependencies.filter(
    ([name, value]) =>
      !listed.has(nameOf(name)) ||
      (typeof value === 'object' && /"(?:path|git|url|file|source)":/.test(JSON.stringify(value))),
  );
  if (more.length > 0) {
    yield `says in [tool.poetry.dependencies] more than [project] dependencies does (${shown(more.map(([name]) => name))}), which is not read. ${export_}`;
  }
  for (const [name, { dependencies: inGroup = {}, optional = false }] of Object.entries(tool?.poetry?.group ?? {})) {
    const packages = Object.keys(inGroup);
    if (!FOR_DEVELOPERS.test(name) && !optional && packages.length > 0) {
      yield `has dependencies in [tool.poetry.group.${name}.dependencies] (${shown(packages)}), which is not read. Write them to requirements.txt (\`poetry export --with ${name} -o requirements.txt\`), or move them to [project] dependencies`;
    }
  }
}

function* ofGroups({ project, 'dependency-groups': groups = {} }: Project): Iterable<string> {
  for (const [name, packages] of Object.entries(groups)) {
    if (!FOR_DEVELOPERS.test(name) && packages.length > 0 && project?.dependencies === undefined) {
      yield `has its dependencies in [dependency-groups] alone (${name}), which is for developers and not installed. Move them to [project] dependencies`;
    }
  }
}

/** Where packages come from decides which ones they are: the same name on another index is another package. */
function* ofIndexes({ tool }: Project): Iterable<string> {
  const { uv, poetry, pdm, rye } = tool ?? {};
  const found = {
    '[[tool.uv.index]]': uv?.index,
    'tool.uv.index-url': uv?.['index-url'],
    'tool.uv.extra-index-url': uv?.['extra-index-url'],
    'tool.uv.find-links': uv?.['find-links'],
    'tool.uv.override-dependencies': uv?.['override-dependencies'],
    'tool.uv.constraint-dependencies': uv?.['constraint-dependencies'],
    '[[tool.uv.dependency-metadata]]': uv?.['dependency-metadata'],
    '[tool.uv.pip]': Object.keys(uv?.pip ?? {}).filter((key) =>
      /index|find-links|^(?:no-)?sources|overrides/.test(key),
    ),
    '[tool.pdm.resolution.overrides]': Object.keys(pdm?.resolution?.overrides ?? {}),
    '[[tool.poetry.source]]': poetry?.source,
    '[[tool.pdm.source]]': pdm?.source,
    '[[tool.rye.sources]]': rye?.sources,
  };
  for (const [name, value] of Object.entries(found)) {
    if (value !== undefined && value.length > 0 && !isPublicIndex(value)) {
      yield `has ${name}, which pip does not read: other packages would be installed than on your machine. Write requirements.txt, with --index-url, --find-links or -c at its top (\`uv export --no-hashes -o requirements.txt\`), and leave out here what it says`;
    }
  }
}

const PUBLIC = /^https:\/\/pypi\.(?:org|python\.org)\/simple\/?$/;

function isPublicIndex(value: unknown): boolean {
  const entries = typeof value === 'string' ? [value] : (value as unknown[]);
  return entries.every((entry) => {
    const { url, priority } = Object(entry) as { url?: unknown; priority?: unknown };
    // Poetry's own word for it, which needs no address.
    const isPoetryName =
      String((Object(entry) as { name?: unknown }).name).toLowerCase() === 'pypi' && url === undefined;
    const address = url ?? entry;
    return isPoetryName || (priority !== 'explicit' && typeof address === 'string' && PUBLIC.test(address));
  });
}

const shown = (names: string[]) => names.slice(0, 5).join(', ');

function refused(problem: string): Error {
  return invalidManifest(FILE, undefined, problem);
}
