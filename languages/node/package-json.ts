/** package.json, as far as it decides how dependencies are installed. */
import * as z from 'zod';
import { invalidManifest, placeOf } from '#languages/invalid-manifest.ts';

const stringMap = z.record(z.string(), z.string());

const schema = z.object({
  main: z.string().optional(),
  exports: z.unknown().optional(),
  type: z.enum(['module', 'commonjs']).optional(),
  scripts: stringMap.default({}),
  dependencies: stringMap.default({}),
  optionalDependencies: stringMap.default({}),
  packageManager: z.string().optional().catch(undefined),
  workspaces: z.unknown().optional(),
});

export type PackageJson = z.infer<typeof schema>;

/** The package's own module: `main`, or else what `exports` says of "." for `import`, or else for `require`. */
export function mainOf({ main, exports }: { main?: unknown; exports?: unknown }): string | undefined {
  if (typeof main === 'string') {
    return main;
  }
  const { '.': root = exports } = Object(exports) as Record<string, unknown>;
  const found = conditional(root, 3);
  return found?.startsWith('./') ? found : undefined;
}

function conditional(target: unknown, levels: number): string | undefined {
  if (typeof target === 'string' || levels === 0) {
    return typeof target === 'string' ? target : undefined;
  }
  const conditions = Object(target) as Record<string, unknown>;
  const chosen = ['node', 'import', 'default', 'require'].find((name) => Object.hasOwn(conditions, name));
  return chosen === undefined ? undefined : conditional(conditions[chosen], levels - 1);
}

const COMPILES = /\b(?:tsc|esbuild|tsup|tsdown|swc|babel|rollup|rolldown|vite|webpack|ncc|build)\b/;

/** The script that makes what is uploaded as TypeScript alone: `build`, or a manager's own that compiles. */
export function buildScript({ scripts }: PackageJson): string | undefined {
  return 'build' in scripts
    ? 'build'
    : ['compile', 'prepare', 'prepack', 'prepublishOnly'].find((name) => COMPILES.test(scripts[name] ?? ''));
}

/** Characters. Far more than anybody writes, and read in less than a tenth of a second. */
const MAX_LENGTH = 256 * 1024;

/** Throws PermanentError InvalidManifest with line and column. */
export function parsePackageJson(text: string): PackageJson {
  if (text.length > MAX_LENGTH) {
    throw invalidManifest(
      'package.json',
      undefined,
      `has ${text.length} characters; at most ${MAX_LENGTH} are read. Make it smaller`,
    );
  }
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (cause) {
    const message = (cause as Error).message;
    const position = /at position (\d+)/.exec(message)?.[1];
    const end = /end of JSON input/.test(message) ? text.length : undefined;
    const offset = position === undefined ? (end ?? unexpectedToken(text, message)) : Number(position);
    throw invalidManifest(
      'package.json',
      offset === undefined ? undefined : placeOf(text, offset),
      `is no JSON: ${message.replace(/ in JSON at position.*| at position.*|, "?[\s\S]*" is not valid JSON/s, '')}. Mend it`,
      cause,
    );
  }
  const parsed = schema.safeParse(manifest);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`);
    throw invalidManifest(
      'package.json',
      undefined,
      `is no package manifest (${problems.join('; ')}). Mend it`,
      parsed.error,
    );
  }
  return parsed.data;
}

/** V8 leaves the position out of some messages, but shows the text around it: `…"b": 1,}" is not valid JSON`. */
function unexpectedToken(text: string, message: string): number | undefined {
  const token = /Unexpected token '([\s\S]+?)'/.exec(message)?.[1];
  const shown = /, (?:\.\.\.)?"([\s\S]*?)"(?:\.\.\.)? is not valid JSON/.exec(message)?.[1];
  if (token === undefined || shown === undefined) {
    return undefined;
  }
  const start = text.indexOf(shown);
  if (start === -1) {
    return undefined;
  }
  // Of a longer text V8 shows ten characters either side of the token.
  const inside = message.includes('..."') ? Math.min(10, shown.length - 1) : shown.indexOf(token);
  return start + Math.max(inside, 0);
}
