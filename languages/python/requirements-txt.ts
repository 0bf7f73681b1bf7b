/** requirements.txt and the files that it names, checked as far as their text and the list of files alone tell. */
import { posix } from 'node:path';
import { invalidManifest } from '#languages/invalid-manifest.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import { checkLocalProject } from './local-project.ts';

export interface Requirements {
  /** It names other files of the source (`-r`, `-c`, `-f`, a path): they must be there when it is installed. */
  needsSource: boolean;
}

/** PEP 508: a name, extras, then a version, a URL or a marker. */
const REQUIREMENT =
  /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*(?:\[[^\]]*\]\s*)?(?:(?:\(\s*)?(?:===|==|~=|!=|<=|>=|<|>).*|@\s*\S.*|;.*)?$/;
const LOCAL_FILE = /\.(?:whl|zip|tar\.gz|tar\.bz2|tgz)$/;
const URL = /^[a-z][a-z0-9+.-]*:\/\//i;
/** What may follow a requirement on its line. */
const OPTIONS = /\s(?:--(?:hash|config-settings?|global-option|install-option)\b|-C\b).*$/s;
const MAX_FILES = 20;
const TOP = 'requirements.txt';

interface Line {
  file: string;
  line: number;
  content: string;
}

/** Throws PermanentError InvalidManifest with the file and the line. */
export async function checkRequirements(
  source: SourceReader,
  text: string,
  file = TOP,
  seen = new Set([file]),
): Promise<Requirements> {
  if (text.includes('\0')) {
    throw invalidManifest(file, undefined, 'is not UTF-8 text. Save it as UTF-8');
  }
  let needsSource = false;
  for (const { line, content } of logicalLines(text)) {
    const where = { file, line, content };
    const local = content.startsWith('-') ? await checkOption(source, where, seen) : await checkLine(source, where);
    needsSource ||= local;
  }
  return { needsSource };
}

/** Whether it names a file of the source. */
async function checkOption(source: SourceReader, where: Line, seen: Set<string>): Promise<boolean> {
  const { file, line, content } = where;
  const [, option = '', value = ''] = /^(--[a-z-]+|-[a-zA-Z])[\s=]*(.*)$/.exec(content) ?? [];
  switch (option) {
    case '-e':
    case '--editable':
      if (file !== TOP) {
        throw invalidManifest(
          file,
          { line },
          `has ${JSON.stringify(content.slice(0, 100))}: an editable package stays where its source is, which no image has. Write ${JSON.stringify(value.slice(0, 100))} without ${option}`,
        );
      }
      return await checkLine(source, { ...where, content: value });
    case '-r':
    case '--requirement':
    case '-c':
    case '--constraint':
      return URL.test(value) ? false : await checkFile(source, where, value, seen);
    case '-f':
    case '--find-links':
      return URL.test(value) ? false : hasFolder(source, where, value);
    default:
      return false;
  }
}

/** Of `-r` and `-c`, beside the file that names it. */
async function checkFile(source: SourceReader, where: Line, value: string, seen: Set<string>): Promise<true> {
  const path = posix.join(posix.dirname(where.file), unquoted(value));
  if (!source.has(path)) {
    throw missing(where, path);
  }
  const text = seen.has(path) || seen.size >= MAX_FILES ? undefined : await source.text(path);
  if (text !== undefined) {
    seen.add(path);
    await checkRequirements(source, text, path, seen);
  }
  return true;
}

/** pip looks beside the file first, then in the working folder. */
function hasFolder(source: SourceReader, where: Line, value: string): true {
  const folders = [posix.join(posix.dirname(where.file), unquoted(value)), posix.join(unquoted(value))];
  if (!folders.some((folder) => isThere(source, folder))) {
    throw missing(where, folders[0] ?? value);
  }
  return true;
}

/** Whether it names a file of the source. */
async function checkLine(source: SourceReader, where: Line): Promise<boolean> {
  const { file, line } = where;
  const content = where.content.replace(OPTIONS, '').trimEnd();
  const [, direct] = /^[\w.-]+\s*(?:\[[^\]]*\]\s*)?@\s*(\S+)/.exec(content) ?? [];
  if (direct !== undefined && REQUIREMENT.test(content)) {
    return /^(?:file:|\.)/.test(direct);
  }
  if (REQUIREMENT.test(content)) {
    return false;
  }
  if (URL.test(content) || content.includes('${')) {
    return content.startsWith('file:');
  }
  if (
    /^[.\w]/.test(content) &&
    (/^[^\s<>=!~;]*\//.test(content) || /^\.(?:\[|\s|;|$)/.test(content) || LOCAL_FILE.test(content))
  ) {
    const path = posix.join(withoutExtras((content.split(';')[0] ?? '').trimEnd()));
    if (!isThere(source, path)) {
      throw missing(where, path);
    }
    await checkLocalProject(source, path, `${file}:${line}`);
    return true;
  }
  throw invalidManifest(
    file,
    { line },
    `is no requirement: ${JSON.stringify(content.slice(0, 100))}. Write one a line, such as "requests==2.32.4"`,
  );
}

function missing({ file, line }: Line, path: string): Error {
  const text = path.startsWith('..') ? 'is outside of what is uploaded' : 'was not uploaded';
  return invalidManifest(
    file,
    { line },
    `names ${JSON.stringify(path.slice(0, 100))}, which ${text}. Upload it, or leave the line out`,
  );
}

function isThere(source: SourceReader, path: string): boolean {
  const folder = path.replace(/\/+$/, '');
  return folder === '.' || source.has(folder) || source.paths.some((known) => known.startsWith(`${folder}/`));
}

/** `./folder[extra]` is the folder. */
function withoutExtras(path: string): string {
  return path.endsWith(']') && path.includes('[') ? path.slice(0, path.lastIndexOf('[')) : path;
}

function unquoted(value: string): string {
  return value.trim().replace(/^(["'])(.*)\1$/, '$2');
}

/** Without comments and empty lines; lines that end in a backslash joined, under the number of the first. */
export function* logicalLines(text: string): Iterable<{ line: number; content: string }> {
  let started: { line: number; content: string } | undefined;
  for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const current = started ?? { line: index + 1, content: '' };
    const continues = raw.endsWith('\\');
    current.content += continues ? raw.slice(0, -1) : raw;
    if (continues) {
      started = current;
      continue;
    }
    started = undefined;
    const content = current.content.replace(/(^|\s)#.*$/s, '').trim();
    if (content !== '') {
      yield { line: current.line, content };
    }
  }
}
