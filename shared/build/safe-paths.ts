/** Which S3 keys can become files of an archive that is unpacked as root, and which can't. */

export interface PathProblem {
  path: string;
  message: string;
}

/** The folder that holds what we add to a context: the Dockerfile and the adapter. Users can't put anything into it. */
export const GENERATED_FOLDER = '.knative-lambda';

/** The limit of every file system that images are unpacked to. */
const SEGMENT_BYTES = 255;

/**
 * Every path that is unsafe by itself (absolute, `..`, control characters …) and every one that can't stand beside another: the same name in another
 * Unicode form, or a file where another path needs a folder.
 */
export function pathProblems(paths: readonly string[]): PathProblem[] {
  const problems: PathProblem[] = [];
  const files = new Map<string, string>();
  for (const path of paths) {
    const message = unsafe(path);
    if (message !== undefined) {
      problems.push({ path, message });
      continue;
    }
    const normal = path.normalize('NFC');
    const other = files.get(normal);
    if (other !== undefined) {
      problems.push({ path, message: `is the same file name as ${JSON.stringify(other)} in another Unicode form` });
      continue;
    }
    files.set(normal, path);
  }
  for (const [normal, path] of files) {
    const folder = foldersOf(normal).find((candidate) => files.has(candidate));
    if (folder !== undefined) {
      problems.push({ path, message: `needs a folder where ${JSON.stringify(files.get(folder))} is a file` });
    }
  }
  return problems;
}

function unsafe(path: string): string | undefined {
  const segments = path.split('/');
  if (path.startsWith('/')) {
    return 'is an absolute path';
  }
  if (segments.includes('')) {
    return 'has an empty path segment';
  }
  if (segments.includes('..') || segments.includes('.')) {
    return 'has a "." or ".." path segment';
  }
  // A lone surrogate has no UTF-8 form, so it would become another name in the archive.
  if (/\p{Cc}/u.test(path) || !path.isWellFormed()) {
    return 'has a control character';
  }
  // Some stores write it for a control character when they list, and then know no key of that name.
  if (path.includes('\uFFFD')) {
    return 'has the replacement character U+FFFD, which stands for one that the store cannot name';
  }
  if (path.includes('\\')) {
    return 'has a backslash, which some tools read as a folder separator';
  }
  if (segments.some((segment) => Buffer.byteLength(segment) > SEGMENT_BYTES)) {
    return `has a path segment of more than ${SEGMENT_BYTES} bytes`;
  }
  if (segments[0]?.toLowerCase() === GENERATED_FOLDER) {
    return `is in ${GENERATED_FOLDER}/, which the platform writes itself`;
  }
  return undefined;
}

function foldersOf(path: string): string[] {
  const folders: string[] = [];
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    folders.push(path.slice(0, slash));
  }
  return folders;
}
