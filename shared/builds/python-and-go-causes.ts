/** Which lines of pip, of our Python adapter, of the go tool and of Cargo say why they failed. */

/** pip's own verdicts, and what it quotes of a build that it ran. */
const PIP_VERDICT =
  /^ERROR: (?!Exception:$|Failed to build installable wheels|Failed building wheel|Could not build wheels|ResolutionImpossible)/;
const PIP_QUOTES = /^╰─> \[\d+ lines? of output\]$/;
const PIP_QUOTED = /^\[end of output\]$/;
const SAYS_WHY = /error|cannot|could not|fatal|not found|no such|unable|failed/i;
const SAYS_THAT = /^error: (?:subprocess-exited-with-error$|command .*(?:failed with exit code|returned non-zero))/i;
/** Of what pip quotes, the end says why. */
const QUOTED_LINES = 2;
/** Verdicts that go on below. */
const GOES_ON =
  /^(?:ERROR: (?:THESE PACKAGES DO NOT MATCH|.* These do not:)|The conflict is caused by:)|^(?:go: |\S+\.go:\d).*:$|: checksum mismatch$/;
const NOT_ON = /^(?:(?:ERROR|WARNING|INFO|note|To fix|error)\b|Additionally, |SECURITY )/;
const MORE_LINES = 4;
/** What git says where pip asked it for a package. */
const OF_GIT = /^fatal: /;
/** `parser.py:3: NameError: …`, as languages/python/adapter/ writes it. */
const OF_ADAPTER = /^\S+\.py(?::\d+: | (?:takes|has no function) )/;
const OF_GO = /^(?:go: (?!downloading |finding |extracting |added |upgraded |warning: )|\S+\.go:\d+(?::\d+)?: )/;
const MOST_LINES = 6;

/** Empty where none of their lines is there. `lines` are trimmed. */
export function pythonAndGoCauses(lines: readonly string[]): string[] {
  const causes: string[] = [];
  let more = -1;
  for (const line of lines) {
    const isCause = [PIP_VERDICT, OF_GIT, OF_ADAPTER, OF_GO, GOES_ON].some((cause) => cause.test(line));
    more = GOES_ON.test(line) ? MORE_LINES : NOT_ON.test(line) ? -1 : more - 1;
    if (isCause || (more >= 0 && more < MORE_LINES)) {
      causes.push(line);
    }
  }
  const all = [...quotedByPip(lines), ...(causes.length > 0 ? causes : endOfTraceback(lines))].map(shortened);
  return [...new Set(all)].slice(0, MOST_LINES);
}

/** Of a program that failed by itself, as pip does over a file of a package that it cannot read. */
function endOfTraceback(lines: readonly string[]): string[] {
  const isTraceback = lines.some((line) => /^File "[^"]+", line \d+, in /.test(line));
  const end = lines.findLast((line) => /^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception): /.test(line));
  return isTraceback && end !== undefined ? [end] : [];
}

function shortened(line: string): string {
  return line
    .replace(/^(?:\.\.\/)+(?=\S*\bgo(?:\.mod|\.work)?:)/, '')
    .replace(/\(from versions: .*, (.+, .+, .+)\)$/, '(from versions: …, $1)');
}

/** pip tells the same failure of a build within a build twice: the innermost comes first. */
function quotedByPip(lines: readonly string[]): string[] {
  const end = lines.findIndex((line) => PIP_QUOTED.test(line));
  if (end === -1) {
    return [];
  }
  // Where the log was cut, the beginning is not there.
  const begin = lines.slice(0, end).findLastIndex((line) => PIP_QUOTES.test(line));
  const quoted = lines.slice(begin + 1, end);
  const why = quoted.filter((line) => SAYS_WHY.test(line) && !SAYS_THAT.test(line));
  return (why.length > 0 ? why : quoted).slice(-QUOTED_LINES);
}
