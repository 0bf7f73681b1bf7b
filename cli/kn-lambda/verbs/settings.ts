/** `env` and `secrets`: what a function is given. Both only show: function.yaml is where they are written. */
import type { Command } from 'commander';
import { connectable, shown } from '#cli/kn-lambda/options.ts';
import { show } from '#cli/kn-lambda/render/output.ts';
import { table } from '#cli/kn-lambda/render/table.ts';
import { type CommonOptions, openSession, pathOf, type Runtime } from '#cli/kn-lambda/session.ts';
import { functionDetailSchema } from '#shared/api/schemas.ts';

type Settings = Awaited<ReturnType<typeof settingsOf>>;

export function addEnv(program: Command, runtime: Runtime): void {
  const command = program
    .command('env')
    .argument('[function]', 'NAME or TENANT/NAME; default: that of this folder')
    .description('its environment variables; set them by parameters.env in function.yaml');
  connectable(shown(command)).action(async (name: string | undefined, options: CommonOptions) => {
    const { env } = await settingsOf(name, options, runtime);
    if (isEmpty(env, options)) {
      runtime.terminal.note(
        'It has none. Set some in function.yaml, parameters: { env: { NAME: value } }, then deploy.',
      );
      return;
    }
    show(env, runtime, options, {
      text: (all) =>
        table(
          ['NAME', 'VALUE'],
          all.map((each) => [each.name, each.value]),
          runtime.terminal,
        ),
      names: (all) => all.map((each) => each.name),
    });
  });
}

export function addSecrets(program: Command, runtime: Runtime): void {
  const command = program
    .command('secrets')
    .argument('[function]', 'NAME or TENANT/NAME; default: that of this folder')
    .description('the Secrets that it refers to: names, never values');
  connectable(shown(command)).action(async (name: string | undefined, options: CommonOptions) => {
    const { secrets } = await settingsOf(name, options, runtime);
    if (isEmpty(secrets, options)) {
      runtime.terminal.note('It refers to none. docs/secrets.md says how a function gets passwords and keys.');
      return;
    }
    const head = ['SECRET', 'KEY', 'AS'];
    show(secrets, runtime, options, {
      text: (all) =>
        table(
          head,
          all.map((each) => [each.name, each.key, placeOf(each)]),
          runtime.terminal,
        ),
      names: (all) => all.map((each) => `${each.name}/${each.key}`),
    });
  });
}

function placeOf({ env, file }: Settings['secrets'][number]): string {
  return env === undefined ? `file ${file ?? ''}` : `variable ${env}`;
}

function isEmpty(list: unknown[], { output }: CommonOptions): boolean {
  return list.length === 0 && output === undefined;
}

async function settingsOf(name: string | undefined, options: CommonOptions, runtime: Runtime) {
  const session = await openSession(options, runtime);
  const path = `/api/v1/functions/${pathOf(await session.identity(name))}`;
  const { settings } = await session.api.get(path, functionDetailSchema, { signal: runtime.signal });
  return settings;
}
