/** Checks which S3 keys can safely become files of an archive that is unpacked as root. */

export interface PathProblem {
  path: string;
  message: string;
}

/** The folder for the files that we add to a context: the Dockerfile and the adapter. Users can't put files into it. */
export const GENERATED_FOLDER = '.knative-lambda';

/**
 * A file of this prefix in a layer means that another is deleted:
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts. Kaniko writes one as it is, so the image
 * would lack both.
 */
const WHITEOUT = '.wh.';

/** The limit of the file systems that images are unpacked to. */
const SEGMENT_BYTES = 255;

/**
 * Finds every path that is unsafe by itself (absolute, `..`, control characters …), and every path that conflicts with
 * another: the same name in another Unicode form, or a file where another path needs a folder.
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
  const names = [...files.keys()].sort();
  // A folder's name sorts before the names of its content, so each path is reported once, with the outermost file that
  // it conflicts with.
  const reported = new Set<string>();
  for (const file of names) {
    if (reported.has(file)) {
      continue;
    }
    const folder = `${file}/`;
    for (let index = firstFrom(names, folder); names[index]?.startsWith(folder); index += 1) {
      const inside = names[index] as string;
      reported.add(inside);
      problems.push({
        path: files.get(inside) as string,
        message: `needs a folder where ${JSON.stringify(files.get(file))} is a file`,
      });
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
  // A lone surrogate has no UTF-8 form, so the name would be another one in the archive.
  if (/\p{Cc}/u.test(path) || !path.isWellFormed()) {
    return 'has a control character';
  }
  // Some stores list it in place of a control character, and then find no key of that name.
  if (path.includes('\uFFFD')) {
    return 'has the replacement character U+FFFD, which stands for one that the store cannot name';
  }
  if (path.includes('\\')) {
    return 'has a backslash, which some tools read as a folder separator';
  }
  if (segments.some((segment) => segment.length * 3 > SEGMENT_BYTES && Buffer.byteLength(segment) > SEGMENT_BYTES)) {
    return `has a path segment of more than ${SEGMENT_BYTES} bytes`;
  }
  if (segments.some((segment) => segment.startsWith(WHITEOUT))) {
    return `has a name that begins with "${WHITEOUT}", which in an image deletes another file`;
  }
  if (segments[0]?.toLowerCase() === GENERATED_FOLDER) {
    return `is in ${GENERATED_FOLDER}/, which the platform writes itself`;
  }
  return undefined;
}

/** Whether these paths, in order, need more than `limit` folders. */
export function hasMoreFolders(paths: readonly string[], limit: number): boolean {
  let count = 0;
  let previous = '';
  for (const path of paths) {
    count += newFolders(path, previous).length;
    if (count > limit) {
      return true;
    }
    previous = path;
  }
  return false;
}

/**
 * The folders of `path` that are not folders of `previous`, the outermost first; each ends in `/`. Where paths come in
 * order, each folder comes once.
 */
export function newFolders(path: string, previous: string): string[] {
  const folders: string[] = [];
  for (let end = path.indexOf('/') + 1; end > 0; end = path.indexOf('/', end) + 1) {
    const folder = path.slice(0, end);
    if (!previous.startsWith(folder)) {
      folders.push(folder);
    }
  }
  return folders;
}

/**
 * Binary search: index of the first item that is not before `text`. Looking up each folder of 10 000 deep paths would
 * take seconds.
 */
function firstFrom(sorted: readonly string[], text: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as string) < text) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
