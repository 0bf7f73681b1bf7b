/** Selects from the table the settings that one program reads, as the fields of a zod object. */
import * as z from 'zod';
import { awsIdentityProblem } from './aws-identity.ts';
import { SETTINGS, type Setting, type SettingName } from './table.ts';

type Table = typeof SETTINGS;
type Reader = Table[SettingName]['readBy'][number];
type Source = Setting['from'];

type Fields<Name extends SettingName> = { -readonly [Each in Name]: Table[Each]['schema'] };
type ReadBy<Who extends Reader> = {
  [Name in SettingName]: Who extends Table[Name]['readBy'][number] ? Name : never;
}[SettingName];
type From<Where extends Source> = {
  [Name in SettingName]: Table[Name]['from'] extends Where ? Name : never;
}[SettingName];

/** The fields of a zod object for one program. */
export function fieldsFor<const Who extends Reader>(reader: Who): Fields<ReadBy<Who>> {
  return fieldsWhere(({ readBy }) => readBy.includes(reader)) as Fields<ReadBy<Who>>;
}

/** The fields that come from one place. */
export function fieldsFrom<const Where extends Source>(place: Where): Fields<From<Where>> {
  return fieldsWhere(({ from }) => from === place) as Fields<From<Where>>;
}

/**
 * The `config` of a function. A function that uses AWS is refused without credentials when it starts, not at its first
 * event.
 */
export function configFor<const Who extends Reader>(functionName: Who): z.ZodObject<Fields<ReadBy<Who>>> {
  const fields = fieldsFor(functionName);
  const config = z.object(fields);
  return 'AWS_ACCESS_KEY_ID' in fields
    ? config.refine((values) => awsIdentityProblem(values) === undefined, {
        error: ({ input }) => awsIdentityProblem(input as object),
        // Also where another setting is wrong: all problems are told at once.
        when: () => true,
      })
    : config;
}

function fieldsWhere(holds: (setting: Setting) => boolean): Record<string, z.ZodType> {
  const chosen = Object.entries<Setting>(SETTINGS).filter(([, setting]) => holds(setting));
  return Object.fromEntries(chosen.map(([name, { schema }]) => [name, schema]));
}

/** As it stands in a ConfigMap or a file; undefined where there is none. */
export function defaultOf({ schema }: Setting): string | undefined {
  const { success, data } = schema.safeParse(undefined);
  return success && data !== undefined ? String(data) : undefined;
}
