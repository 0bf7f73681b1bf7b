/**
 * What is installed: by requirements.txt where there is one, since a person wrote it to be installed; else by
 * pyproject.toml.
 */
import { parse } from 'smol-toml';
import { invalidManifest } from '#languages/invalid-manifest.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import { lockedVersions } from './locked-versions.ts';
import { requirementsOfProject } from './pyproject-toml.ts';
import { checkRequirements, logicalLines } from './requirements-txt.ts';

/** The file's name, beside the requirements file of ours. */
export const CONSTRAINTS = 'constraints.txt';

export interface Dependencies {
  /** The source must be there when they are installed. */
  needsSource: boolean;
  /**
   * A requirements file of ours, in place of the user's: made from pyproject.toml, or of what can't be installed as
   * it is.
   */
  generated: string | undefined;
  /** The versions of a lock file, for the file of ours. */
  constraints?: string;
}

/**
 * Undefined where there is nothing to install. Throws PermanentError InvalidManifest, also for manifests that are not
 * read: without their packages the build would succeed, and the first import fail.
 */
export async function dependenciesOf(source: SourceReader): Promise<Dependencies | undefined> {
  const text = await source.text('requirements.txt');
  // One that lists nothing says nothing of what another manifest lists.
  if (source.has('requirements.txt') && (text === undefined || [...logicalLines(text)].length > 0)) {
    // A file that is too large to be read here (`text` is undefined) is left to pip.
    const checked = text === undefined ? { needsSource: true } : await checkRequirements(source, text);
    return { ...checked, generated: text === undefined ? undefined : withoutEditable(text) };
  }
  const project = await source.text('pyproject.toml');
  const lines = project === undefined ? undefined : await requirementsOfProject(source, project);
  if (lines === undefined) {
    await refuseUnread(source);
    return undefined;
  }
  const { needsSource } = await checkRequirements(source, lines.join('\n'), 'pyproject.toml ([project] dependencies)');
  const versions = await lockedVersions(source);
  return {
    needsSource,
    generated: [...(versions === undefined ? [] : [`-c ${CONSTRAINTS}`]), ...lines, ''].join('\n'),
    ...(versions === undefined ? {} : { constraints: [...versions, ''].join('\n') }),
  };
}

/**
 * An editable package stays where its source is, which no folder of packages has: it is installed as any other. The
 * file is ours then, and lies in a folder of its own: what is named beside it is named from there. Undefined where
 * nothing is editable.
 */
function withoutEditable(text: string): string | undefined {
  const editable = /^[ \t]*(?:-e|--editable)[ \t=]*/gm;
  if (!editable.test(text)) {
    return undefined;
  }
  return text
    .replace(editable, '')
    .replace(
      /^([ \t]*(?:-r|-c|--requirement|--constraint)[ \t=]*)(["']?)(?![a-z][a-z0-9+.-]*:\/\/)(?=[^\s"'=])/gim,
      '$1$2../',
    );
}

/** Manifests of other tools: whether one lists packages, and what to write instead. */
const UNREAD: { file: RegExp; lists: (text: string) => boolean; instead: string }[] = [
  {
    file: /^Pipfile$/,
    lists: pipfileLists,
    instead: 'Write requirements.txt (`pipenv requirements > requirements.txt`)',
  },
  {
    file: /^(?:Pipfile\.lock|pylock\.toml)$/,
    lists: (text) => /"default":\s*\{\s*"|\[\[packages\]\]/.test(text),
    instead: 'Write requirements.txt (`pipenv requirements > requirements.txt`, or `uv export -o requirements.txt`)',
  },
  {
    file: /^setup\.(?:py|cfg)$/,
    lists: (text) => /^[^#\n]*\binstall_requires\b/m.test(text),
    instead: 'Write requirements.txt: with the line "." in it this package is installed, and what it needs',
  },
  {
    file: /^(?:environment|conda)\.ya?ml$/,
    lists: (text) => /^dependencies:/m.test(text),
    instead: 'Write the packages of PyPI to requirements.txt: nothing is installed by conda',
  },
  {
    file: /^requirements(?:\.in|[-_.](?:prod|production|base|main|common|runtime)\.(?:txt|in)|\/(?:prod|production|base|main|common|runtime|requirements)\.(?:txt|in))$/,
    lists: (text) => /^\s*[\w.-]/m.test(text),
    instead: 'Name it in requirements.txt, by a line such as "-r requirements/base.txt", or upload it under that name',
  },
];

async function refuseUnread(source: SourceReader): Promise<void> {
  for (const { file, lists, instead } of UNREAD) {
    for (const path of source.paths.filter((candidate) => file.test(candidate))) {
      if (lists((await source.text(path)) ?? '')) {
        throw invalidManifest(path, undefined, `lists dependencies, and is not read. ${instead}`);
      }
    }
  }
}

function pipfileLists(text: string): boolean {
  try {
    return Object.keys((parse(text) as { packages?: object }).packages ?? {}).length > 0;
  } catch {
    return true;
  }
}
