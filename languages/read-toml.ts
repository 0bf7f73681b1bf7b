/** Reads a manifest in TOML. Every problem of it is PermanentError InvalidManifest, with file and line where known. */
import { parse, TomlError } from 'smol-toml';
import type * as z from 'zod';
import { invalidManifest } from './invalid-manifest.ts';

/** Characters. Far more than anybody writes, and read in less than a second. */
const MAX_LENGTH = 256 * 1024;

/** `what` the file should be, for messages: "project manifest". */
export function readToml<Schema extends z.ZodType>(
  text: string,
  { file, what, schema }: { file: string; what: string; schema: Schema },
): z.infer<Schema> {
  if (text.length > MAX_LENGTH) {
    throw invalidManifest(
      file,
      undefined,
      `has ${text.length} characters; at most ${MAX_LENGTH} are read. Make it smaller`,
    );
  }
  let document: unknown;
  try {
    document = parse(text);
  } catch (cause) {
    const place = cause instanceof TomlError ? { line: cause.line, column: cause.column } : undefined;
    throw invalidManifest(file, place, `is no TOML: ${(cause as Error).message.split('\n')[0]}. Mend it`, cause);
  }
  const parsed = schema.safeParse(document);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw invalidManifest(file, undefined, `is no ${what} (${problems.join('; ')}). Mend it`, parsed.error);
  }
  return parsed.data;
}
