/**
 * Finds, before anything is built, the function that will be called; or says what was looked for and what is there
 * instead.
 */
import { PermanentError } from '#shared/events/errors.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import type { ExportedNames } from './exported-names.ts';
import { type ModuleFiles, modulePaths, splitHandler } from './module-paths.ts';

export interface Handler {
  /** Path of the file that has it. */
  file: string;
  /** Undefined: the adapter takes the first of the usual names when it has loaded the file. */
  name: string | undefined;
}

interface Search {
  /** As a message names its files. */
  language: string;
  modules: ModuleFiles;
  /** `parameters.handler`. */
  requested: string | undefined;
  /** Best first; all exist. */
  candidates: string[];
  /** Names that are called where none is requested, best first. */
  usualNames: string[];
  namesOf: (source: string) => ExportedNames;
  /** How a person writes such a function, in this file. */
  example: (file: string | undefined) => string;
  /** Which files are looked into where no handler is requested. */
  usualFiles: string;
}

/**
 * The first candidate that surely has the function, else the first that may have it. Throws PermanentError
 * HandlerNotFound.
 */
export async function findHandler(source: SourceReader, search: Search): Promise<Handler> {
  const { requested, candidates, usualNames } = search;
  const wanted = requested === undefined ? usualNames : [splitHandler(requested).name];
  const seen: string[] = [];
  let possible: Handler | undefined;
  for (const file of candidates) {
    const text = await source.text(file);
    const exported = text === undefined ? { names: [], open: true } : search.namesOf(text);
    const name = requested === undefined ? undefined : wanted[0];
    if (wanted.some((candidate) => exported.names.includes(candidate))) {
      return { file, name };
    }
    if (exported.open) {
      possible ??= { file, name };
    }
    seen.push(`${file} has ${exported.names.length === 0 ? 'none' : exported.names.slice(0, 10).join(', ')}`);
  }
  if (possible !== undefined) {
    return possible;
  }
  throw new PermanentError('HandlerNotFound', notFound(source, search, wanted, seen));
}

function notFound(source: SourceReader, search: Search, wanted: string[], seen: string[]): string {
  const { requested, language, modules, example, usualFiles } = search;
  const [file] = search.candidates;
  const fix = `Add ${example(file)}, or name yours in parameters.handler ("${file?.replace(/\.[^./]+$/, '') ?? 'module'}.function")`;
  if (seen.length > 0) {
    const asked = requested === undefined ? '' : ` (parameters.handler is ${JSON.stringify(requested)})`;
    return `no function ${wanted.join(', ')} was found${asked}: ${seen.join('; ')}. ${fix}, then send build.start again`;
  }
  const isSource = (path: string) => modules.extensions.some((extension) => path.endsWith(extension));
  const there = source.paths.filter(isSource).slice(0, 10);
  const looked =
    requested === undefined
      ? usualFiles
      : `${modulePaths(splitHandler(requested).module, modules).slice(0, 4).join(', ')} (parameters.handler is ${JSON.stringify(requested)})`;
  return `there is no ${looked}; the source has ${there.length === 0 ? `no ${language} file` : there.join(', ')}. ${fix}, then send build.start again`;
}
