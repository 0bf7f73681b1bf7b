/** requirements.txt, checked as far as its text alone tells. */
import { invalidManifest } from '#languages/invalid-manifest.ts';

export interface Requirements {
  /** It names other files of the source (`-r`, `-c`, `-e`, a path): they must be there when it is installed. */
  needsSource: boolean;
}

/** PEP 508: a name, extras, then a version, a URL or a marker. */
const REQUIREMENT =
  /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*(?:\[[^\]]*\]\s*)?(?:(?:\(\s*)?(?:===|==|~=|!=|<=|>=|<|>).*|@\s*\S.*|;.*|--hash=.*)?$/;
const LOCAL_FILE = /\.(?:whl|zip|tar\.gz|tar\.bz2|tgz)$/;

/** Throws PermanentError InvalidManifest with the line. */
export function parseRequirements(text: string, file = 'requirements.txt'): Requirements {
  if (text.includes('\0')) {
    throw invalidManifest(file, undefined, 'is not UTF-8 text. Save it as UTF-8');
  }
  let needsSource = false;
  for (const { line, content } of logicalLines(text)) {
    if (content.startsWith('-')) {
      needsSource ||= /^(?:-r|-c|-e|--requirement|--constraint|--editable|-f|--find-links)/.test(content);
    } else if (REQUIREMENT.test(content)) {
      needsSource ||= /@\s*(?:file:|\.)/.test(content);
    } else if (/^[a-z][a-z0-9+.-]*:\/\//i.test(content) || content.includes('${')) {
      needsSource ||= content.startsWith('file:');
    } else if (
      /^[.\w]/.test(content) &&
      (/^[^\s<>=!~;]*\//.test(content) || content === '.' || LOCAL_FILE.test(content))
    ) {
      needsSource = true;
    } else {
      throw invalidManifest(
        file,
        { line },
        `is no requirement: ${JSON.stringify(content.slice(0, 100))}. Write one a line, such as "requests==2.32.4"`,
      );
    }
  }
  return { needsSource };
}

/** Without comments and empty lines; lines that end in a backslash joined, under the number of the first. */
function* logicalLines(text: string): Iterable<{ line: number; content: string }> {
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
