/** What failed, as a build's own log says it: of Kaniko, of npm, of whatever ran in it. */
import { stripVTControlCharacters } from 'node:util';
import { printableCell } from '#shared/printable.ts';
import { redactCredentials } from '#shared/redact-credentials.ts';
import { tellHandlerMisfits } from './handler-misfits.ts';
import { nodeCauses } from './node-causes.ts';
import { pythonAndGoCauses } from './python-and-go-causes.ts';
import { rustCauses } from './rust-causes.ts';

const ERROR = /^(Error:|error |FATAL|npm error )|level=(error|fatal)/;
/** npm's closing lines, which only name its own log file. */
const NPM_LOG = /^npm error (A complete log|\s*\/)/;
const PROGRESS = /^(INFO|DEBU|TRAC|WARN)/;

const TAIL_LINES = 6;
const MOST_CHARACTERS = 1500;

/** The last line that names an error. After it may come a usage text, so it need not be the last of all. */
export function lastErrorLine(lines: readonly string[]): string | undefined {
  return lines.findLast((line) => ERROR.test(line) && !NPM_LOG.test(line));
}

/**
 * The lines that say why, where the tool is known; else the end of the log, led by the line that names the error where
 * it stands further up.
 */
export function lastError(log = ''): string {
  const written = log
    .split('\n')
    // Colours and whatever else the user's commands have written for a terminal: the text goes into an event.
    .map((line) => printableCell(stripVTControlCharacters(line).trim().replaceAll('\t', ' ')))
    .filter((line) => line !== '' && !PROGRESS.test(line));
  const lines = tellHandlerMisfits(written);
  const causes =
    [nodeCauses, pythonAndGoCauses, rustCauses].map((causesOf) => causesOf(lines)).find((told) => told.length > 0) ??
    [];
  if (causes.length > 0) {
    return redactCredentials(causes.join(' | ')).slice(0, MOST_CHARACTERS).replace(/\.$/, '');
  }
  const error = lastErrorLine(lines);
  const tail = lines.slice(-TAIL_LINES).join(' | ');
  const text = error && !tail.includes(error) ? `${error} | ${tail}` : tail;
  // Before it is cut: a half of a credential has no form any more.
  return redactCredentials(text).slice(-MOST_CHARACTERS) || 'it printed nothing';
}
