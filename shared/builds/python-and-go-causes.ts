/** Which lines of pip, of our Python adapter and of the go tool say why they failed. */

/** pip's own verdicts, and what it quotes of a build that it ran. */
const PIP_VERDICT = /^ERROR: (?!Failed to build installable wheels|Failed building wheel|Could not build wheels)/;
const PIP_QUOTES = /^╰─> \[\d+ lines? of output\]$/;
const PIP_QUOTED = /^\[end of output\]$/;
const SAYS_WHY = /error|cannot|could not|fatal|not found|no such|unable|failed/i;
/** Of what pip quotes, the end says why. */
const QUOTED_LINES = 2;
/** `parser.py:3: NameError: …`, as languages/python/adapter/ writes it. */
const OF_ADAPTER = /^\S+\.py(?::\d+: | (?:takes|has no function) )/;
const OF_GO = /^(?:go: (?!downloading |finding |extracting |added |upgraded |warning: )|\S+\.go:\d+(?::\d+)?: )/;
const MOST_LINES = 6;

/** Empty where none of their lines is there. `lines` are trimmed. */
export function pythonAndGoCauses(lines: readonly string[]): string[] {
  const causes = lines.filter((line) => PIP_VERDICT.test(line) || OF_ADAPTER.test(line) || OF_GO.test(line));
  const all = [...quotedByPip(lines), ...causes].map((line) => line.replace(/^(?:\.\.\/)+(?=\S+\.go:)/, ''));
  return [...new Set(all)].slice(0, MOST_LINES);
}

/** pip tells the same failure of a build within a build twice: the innermost comes first. */
function quotedByPip(lines: readonly string[]): string[] {
  const end = lines.findIndex((line) => PIP_QUOTED.test(line));
  const begin = lines.slice(0, Math.max(0, end)).findLastIndex((line) => PIP_QUOTES.test(line));
  if (begin === -1) {
    return [];
  }
  const quoted = lines.slice(begin + 1, end);
  const why = quoted.filter((line) => SAYS_WHY.test(line) && !/^error: subprocess-exited-with-error$/.test(line));
  return (why.length > 0 ? why : quoted).slice(-QUOTED_LINES);
}
