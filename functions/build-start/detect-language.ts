/** Which language a source is written in, by the files it has. */

import { nodeCandidates, pythonCandidates } from '#languages/entry-files.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { Language } from '#shared/events/parameters.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import type { BuildRequest } from '#shared/packing/types.ts';

/** How many of the user's files a message names. */
const NAMED = 10;

const RECOGNISED =
  'Python is recognised by parser.py, main.py or handler.py; Node by parser, index or handler with .js, .mjs, .cjs or .ts, or by "main" in package.json; Go by go.mod and .go files; anything else by a Dockerfile. All of them at the top of the prefix';

/**
 * `parameters.language` decides; else a Dockerfile; else the files that hold a handler. A manifest alone (requirements.txt, package.json …) decides only where
 * no file that could hold a handler says something else: tools put a package.json into Python repositories, and the other way round.
 * Throws PermanentError UnknownLanguage or AmbiguousLanguage.
 */
export async function detectLanguage(source: SourceReader, request: BuildRequest): Promise<Language> {
  if (request.language !== undefined) {
    return request.language;
  }
  if (source.has('Dockerfile')) {
    return 'docker';
  }
  const requested = await entryEvidence(source, request.handler);
  // A handler that is not there is told by the recipe, which knows what else there is: the usual files tell the language.
  const byEntry = requested.length > 0 ? requested : await entryEvidence(source, undefined);
  const byManifest: Evidence[] = [
    { language: 'python' as const, files: ['requirements.txt', 'pyproject.toml'].filter(source.has) },
    { language: 'node' as const, files: ['package.json'].filter(source.has) },
    { language: 'go' as const, files: ['go.mod'].filter(source.has) },
  ].filter(({ files }) => files.length > 0);

  const evidence = byEntry.length > 0 ? byEntry : byManifest;
  const [first, second] = evidence;
  if (first === undefined) {
    throw new PermanentError(
      'UnknownLanguage',
      `the language can't be told from ${found(source.paths)}. ${RECOGNISED}`,
    );
  }
  if (second !== undefined) {
    throw new PermanentError(
      'AmbiguousLanguage',
      `the source looks like ${evidence.map(({ language, files }) => `${language} (${files.slice(0, 3).join(', ')})`).join(' and like ')}: set parameters.language to one of ${evidence.map(({ language }) => `"${language}"`).join(', ')} in build.start, or remove the other files`,
    );
  }
  return first.language;
}

interface Evidence {
  language: 'python' | 'node' | 'go';
  files: string[];
}

async function entryEvidence(source: SourceReader, handler: string | undefined): Promise<Evidence[]> {
  const evidence: Evidence[] = [
    { language: 'python', files: pythonCandidates(source, handler) },
    { language: 'node', files: await nodeCandidates(source, handler) },
    { language: 'go', files: goFiles(source) },
  ];
  return evidence.filter(({ files }) => files.length > 0);
}

function goFiles(source: SourceReader): string[] {
  if (!source.has('go.mod')) {
    return [];
  }
  const file = source.paths.find((path) => path.endsWith('.go') && !path.endsWith('_test.go'));
  return file === undefined ? [] : ['go.mod', file];
}

function found(paths: readonly string[]): string {
  const top = [...new Set(paths.map((path) => path.replace(/\/.*/s, '/')))];
  const named = top
    .slice(0, NAMED)
    .map((path) => JSON.stringify(path))
    .join(', ');
  return top.length > NAMED ? `${named} and ${top.length - NAMED} more` : named;
}
