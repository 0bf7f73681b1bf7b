/** Which language a source is written in, by the files it has. */

import type { LanguageSupport } from '#languages/language.ts';
import { registry } from '#languages/registry.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { AdapterLanguage, Language } from '#shared/events/parameters.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import type { BuildRequest } from '#shared/packing/types.ts';

/** How many of the user's files a message names. */
const NAMED = 10;

const supported = Object.entries(registry) as [AdapterLanguage, LanguageSupport][];

/**
 * `parameters.language` decides; else a Dockerfile; else the files that hold a handler. A manifest alone
 * (requirements.txt, package.json …) decides only where no file that could hold a handler says something else: tools
 * put a package.json into Python repositories, and the other way round. Throws PermanentError UnknownLanguage or
 * AmbiguousLanguage.
 */
export async function detectLanguage(source: SourceReader, request: BuildRequest): Promise<Language> {
  if (request.language !== undefined) {
    return request.language;
  }
  if (source.has('Dockerfile')) {
    return 'docker';
  }
  const requested = await entryEvidence(source, request.handler);
  // A handler that is not there is told by the recipe, which knows what else there is: the usual files tell the
  // language.
  const byEntry = requested.length > 0 ? requested : await entryEvidence(source, undefined);
  const byManifest = supported
    .map(([language, { manifests }]) => ({ language, files: manifests.filter(source.has) }))
    .filter(({ files }) => files.length > 0);
  const evidence = byEntry.length > 0 ? byEntry : byManifest;
  const [first, second] = evidence;
  if (first === undefined) {
    throw new PermanentError(
      'UnknownLanguage',
      `the language can't be told from ${found(source.paths)}. ${recognised()}`,
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
  language: AdapterLanguage;
  files: string[];
}

async function entryEvidence(source: SourceReader, handler: string | undefined): Promise<Evidence[]> {
  const evidence: Evidence[] = [];
  for (const [language, { entryFiles }] of supported) {
    const files = await entryFiles(source, handler);
    if (files.length > 0) {
      evidence.push({ language, files });
    }
  }
  return evidence;
}

/** The first of them is a whole sentence, which the others go on with. */
function recognised(): string {
  const [first, ...others] = supported.map(([, { name, recognisedBy }]) => ({ name, recognisedBy }));
  const clauses = [
    `${first?.name} is recognised by ${first?.recognisedBy}`,
    ...others.map(({ name, recognisedBy }) => `${name} by ${recognisedBy}`),
    'anything else by a Dockerfile',
  ];
  return `${clauses.join('; ')}. All of them at the top of the prefix`;
}

function found(paths: readonly string[]): string {
  const top = [...new Set(paths.map((path) => path.replace(/\/.*/s, '/')))];
  const named = top
    .slice(0, NAMED)
    .map((path) => JSON.stringify(path))
    .join(', ');
  return top.length > NAMED ? `${named} and ${top.length - NAMED} more` : named;
}
