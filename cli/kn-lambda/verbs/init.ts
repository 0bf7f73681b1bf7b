import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { Failure, wrongUse } from '#cli/kn-lambda/failure.ts';
import type { Runtime } from '#cli/kn-lambda/session.ts';
import { LANGUAGES, templates } from '#cli/kn-lambda/templates.ts';
import { FUNCTION_FILE } from '#shared/folder/left-out.ts';

interface Options {
  language: (typeof LANGUAGES)[number];
  name?: string;
}

export function addInit(program: Command, runtime: Runtime): void {
  program
    .command('init')
    .argument('[folder]', 'to make, or an empty one', '.')
    .description('begin a function: code that runs, and event.json to try it with')
    .addOption(new Option('-l, --language <language>', 'what it is written in').choices(LANGUAGES).default('node'))
    .option('--name <name>', 'of the function. Default: that of the folder')
    .action((folder: string, { language, name }: Options) => {
      const { cwd, terminal } = runtime;
      const place = resolve(cwd, folder);
      const named = name ?? basename(place);
      if (!/^[A-Za-z0-9_-]{1,100}$/.test(named)) {
        throw wrongUse(
          `${JSON.stringify(named)} cannot be a function's name`,
          'Say one of A–Z, a–z, 0–9, "_", "-": --name NAME',
        );
      }
      if (existsSync(place) && readdirSync(place).length > 0) {
        throw new Failure(`${folder} is not empty`, {
          next: `What lies there is deployed by: kn-lambda deploy ${folder}. To begin anew, name another folder.`,
        });
      }
      const files = { ...templates()[language], [FUNCTION_FILE]: functionFile(named) };
      for (const [path, text] of Object.entries(files)) {
        const file = join(place, path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, text);
      }
      const here = relative(cwd, place) || '.';
      const argument = here === '.' ? '' : ` ${here}`;
      terminal.say(`Made ${here === '.' ? 'here' : `${here}/`}: ${Object.keys(files).sort().join(', ')}`);
      const next = `kn-lambda deploy${argument} && kn-lambda invoke${argument === '' ? '' : ` ${named}`}`;
      terminal.say(terminal.asCalled(`Next: ${next}`));
    });
}

function functionFile(name: string): string {
  return `# What kn-lambda deploy says beside the code. Every field: docs/cli.md
name: ${name}
# parameters:
#   timeout_seconds: 30
#   env: { GREETING: hello }
`;
}
