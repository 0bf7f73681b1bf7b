/** Which lines of npm, pnpm, Yarn, tsc and Node say why they failed. The rest is progress, usage and stack frames. */

const OF_NODE =
  /^npm (?:error|warn) |ERR_PNPM_|^pnpm: |^(?:error|info) .*yarn|^yarn |➤ YN\d{4}|^Node\.js v\d|^\S+\.[cm]?[jt]sx?(?:[:(]\d+|: | exports| never| ends| does)/m;

/** npm's usage text, and where its own log is. */
const NPM_END = /^npm error (?:Clean install a project|Usage:|A complete log|For a full report)/;
const NPM_TALK =
  /^npm error(?:\s*$| \d+\s*$| (?:\w+ )?(?:In most cases|Note that you can|tarball, folder|command failed|Fix the upstream))/;
/** What a script's own tools tell of themselves: stack frames, node-gyp and make. */
const SCRIPT_TALK =
  /^npm error (?:\s*at .*[:)]|gyp (?:info|http|verb)|gyp ERR! (?:stack at|System|command|cwd|node|not ok|\$|build error)|make: (?:Entering|Leaving)|\s+(?:CC|CXX|AR|SOLINK|TOUCH|COPY|ACTION)\(|\s*[|^]|Node\.js v\d)/;
const NPM_BEGIN = /^npm error code /;

const CAUSES = [
  /^npm error /,
  /ERR_PNPM_/,
  /^error (?!Command failed)/,
  // Not what it did before that failed, nor that it failed.
  /^➤ YN(?!0000|0007|0013|0019|0050|0085|0087)\d{4}: (?!│ [-+])/,
  // What a script of Yarn's prints.
  /^➤ YN0000: │ \S+ STD(?:OUT|ERR) (?!at |\^|Node\.js v)\S/,
  /^pnpm: /,
  /^(?:Usage|Internal|Unknown Syntax) Error: /,
  /\berror TS\d+: |\[ERROR\] |^ERROR in /,
  /^(?:Uncaught )?(?:[A-Z]\w*)?(?:Error|Exception)(?: \[\w+\])?: /,
  // Ours (languages/node/adapter/), and where Node found an error.
  /^\S+\.[cm]?[jt]s(?::\d+)?(?:: | exports no | never finishes | ends the process | does not finish |$)/,
  /^(?:npm error )?gyp ERR! (?:stack Error|find)/,
  /^(?:\/bin\/)?sh: .*not found$/,
];
/** After pnpm's code: what differs, as a list. */
const MORE_OF_PNPM = 4;
const MOST_LINES = 8;

/** That a script failed, in whatever words of its own before. */
const SCRIPT_FAILED = /^npm error (?:code \d|path|command )|^error Command failed|ELIFECYCLE/;
const WORDS_OF_SCRIPT = 3;

/** Empty where it is no log of theirs, or none of its lines says why. */
export function nodeCauses(log: readonly string[]): string[] {
  if (!OF_NODE.test(log.join('\n'))) {
    return [];
  }
  // Of a text that was cut, or is there twice, the last beginning counts.
  const begin = log.findLastIndex((line) => NPM_BEGIN.test(line));
  const lines = log.filter((line, index) => index >= begin || !line.startsWith('npm error'));
  const causes = new Set<string>();
  let more = 0;
  let ended = false;
  for (const line of lines) {
    ended ||= NPM_END.test(line);
    const isNpm = line.startsWith('npm error');
    if (isNpm ? ended || NPM_TALK.test(line) || SCRIPT_TALK.test(line) : isNoise(line)) {
      continue;
    }
    more = line.includes('ERR_PNPM_') ? MORE_OF_PNPM : more - 1;
    if ((more >= 0 && more < MORE_OF_PNPM) || CAUSES.some((cause) => cause.test(line))) {
      causes.add(isNpm && causes.size > 0 ? line.slice('npm error '.length).trim() : line);
    }
  }
  const failed = lines.findIndex((line) => SCRIPT_FAILED.test(line));
  const says = [...causes].every((line) => SCRIPT_FAILED.test(line) || /^(?:code|path|command) /.test(line));
  const words =
    failed === -1 || !says ? [] : lines.slice(0, failed).filter((line) => !isNoise(line) && !line.startsWith('>'));
  return [...words.slice(-WORDS_OF_SCRIPT), ...causes].slice(0, MOST_LINES);
}

function isNoise(line: string): boolean {
  return (
    /^npm (?:warn|notice)|^error building image: /i.test(line) ||
    // Stack frames.
    /^at .*(?::\d+|\(<anonymous>\)|\(native\))\)?$/.test(line) ||
    /^(?:Progress: |Packages: |\++$|Done in |Lockfile is up to date)/.test(line) ||
    /^(?:info |warning |\[\d\/\d\]|\$ )/.test(line)
  );
}
