import { Argument, type Command } from 'commander';
import type { Runtime } from '#cli/kn-lambda/session.ts';

interface Word {
  /** Of the verbs before, with blanks between them. */
  path: string;
  name: string;
  description: string;
}

export function addCompletion(program: Command, runtime: Runtime): void {
  const AFTER = `
Examples:
  source <(kn-lambda completion bash)                          in ~/.bashrc
  kn-lambda completion zsh > "\${fpath[1]}/_kn-lambda"
  kn-lambda completion fish > ~/.config/fish/completions/kn-lambda.fish`;
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'whose script').choices(['bash', 'zsh', 'fish']))
    .description('the script by which a shell completes verbs and flags')
    .addHelpText('after', AFTER)
    .action((shell: 'bash' | 'zsh' | 'fish') => runtime.terminal.say(SCRIPTS[shell](wordsOf(program, ''))));
}

/** Verbs and long flags, of every verb. */
function wordsOf(command: Command, path: string): Word[] {
  const flags = command.createHelp().visibleOptions(command);
  return [
    ...flags.map(({ long, description }) => ({ path, name: long ?? '', description })),
    ...command.commands.flatMap((verb) => [
      { path, name: verb.name(), description: verb.description() },
      ...wordsOf(verb, `${path} ${verb.name()}`.trim()),
    ]),
  ].filter(({ name }) => name !== '');
}

const SCRIPTS = { bash, zsh, fish };

function byPath(words: Word[]): Map<string, Word[]> {
  const groups = new Map<string, Word[]>();
  for (const word of words) {
    groups.set(word.path, [...(groups.get(word.path) ?? []), word]);
  }
  return groups;
}

function nested(words: Word[]): string[] {
  return words.filter(({ name }) => !name.startsWith('-')).map(({ path, name }) => `${path} ${name}`.trim());
}

/** The words before the cursor are the path; flags and names in between are left out. */
const walk = (words: Word[]): string =>
  nested(words)
    .map((path) => `      '${path}') path='${path}' ;;`)
    .join('\n');

const cases = (words: Word[], found: (group: Word[]) => string): string =>
  [...byPath(words)].map(([path, group]) => `    '${path}') found=(${found(group)}) ;;`).join('\n');

function bash(words: Word[]): string {
  return `_kn_lambda() {
  local current=\${COMP_WORDS[COMP_CWORD]} path='' word
  local -a found
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
${walk(words)}
    esac
  done
  case "$path" in
${cases(words, (group) => group.map(({ name }) => name).join(' '))}
  esac
  COMPREPLY=($(compgen -W "\${found[*]}" -- "$current"))
  [[ \${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _kn_lambda kn-lambda`;
}

function zsh(words: Word[]): string {
  const told = ({ name, description }: Word): string => quoted(`${name.replaceAll(':', '\\:')}:${description}`);
  return `#compdef kn-lambda
_kn_lambda() {
  local path_before='' word
  local -a found
  for word in \${words[2,CURRENT-1]}; do
    case "\${path_before:+$path_before }$word" in
${walk(words).replaceAll("path='", "path_before='")}
    esac
  done
  case "$path_before" in
${cases(words, (group) => group.map(told).join(' '))}
  esac
  _describe 'kn-lambda' found || _files
}
compdef _kn_lambda kn-lambda`;
}

function fish(words: Word[]): string {
  const lines = words.map(({ path, name, description }) => {
    const verbs = path.split(' ').filter((verb) => verb !== '');
    const condition =
      verbs.length === 0
        ? '__fish_use_subcommand'
        : verbs.map((verb) => `__fish_seen_subcommand_from ${verb}`).join('; and ');
    const what = name.startsWith('-') ? `-l ${name.slice(2)}` : `-f -a ${name}`;
    return `complete -c kn-lambda -n ${quoted(condition)} ${what} -d ${quoted(description)}`;
  });
  return lines.join('\n');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
