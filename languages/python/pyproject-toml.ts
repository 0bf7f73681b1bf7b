/** pyproject.toml, for what it says of dependencies. */
import * as z from 'zod';
import { invalidManifest } from '#languages/invalid-manifest.ts';
import { readToml } from '#languages/read-toml.ts';
import { parseRequirements } from './requirements-txt.ts';

const FILE = 'pyproject.toml';

const schema = z.object({
  project: z
    .object({ dependencies: z.array(z.string()).optional(), dynamic: z.array(z.string()).optional() })
    .optional(),
  tool: z
    .object({ poetry: z.object({ dependencies: z.record(z.string(), z.unknown()).optional() }).optional() })
    .optional(),
});

/**
 * The lines of a requirements file that installs `[project].dependencies`; undefined where there are none. The project
 * itself is not installed: its code is imported from where it lies. Throws PermanentError InvalidManifest.
 */
export function requirementsOfProject(text: string): string[] | undefined {
  const { project, tool } = readToml(text, { file: FILE, what: 'project manifest', schema });
  if (project?.dynamic?.includes('dependencies')) {
    throw invalidManifest(
      FILE,
      undefined,
      'has its dependencies computed by a build back end (project.dynamic), which is not run. List them in [project] dependencies, or in requirements.txt',
    );
  }
  const ofPoetry = Object.keys(tool?.poetry?.dependencies ?? {}).filter((name) => name.toLowerCase() !== 'python');
  if (project?.dependencies === undefined && ofPoetry.length > 0) {
    throw invalidManifest(
      FILE,
      undefined,
      `has its dependencies in [tool.poetry.dependencies] alone (${ofPoetry.slice(0, 5).join(', ')}). Write them to requirements.txt (\`poetry export -o requirements.txt\`), or move them to [project] dependencies`,
    );
  }
  const dependencies = project?.dependencies ?? [];
  for (const dependency of dependencies) {
    // A line that begins with "-" or holds a line break would be read as an option of pip's.
    if (/^\s*-|[\r\n]/.test(dependency)) {
      throw invalidManifest(
        FILE,
        undefined,
        `has ${JSON.stringify(dependency)} in [project] dependencies, which is no requirement. Mend it`,
      );
    }
    parseRequirements(dependency, `${FILE} ([project] dependencies)`);
  }
  return dependencies.length > 0 ? dependencies : undefined;
}
