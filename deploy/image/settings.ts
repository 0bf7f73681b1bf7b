/** The settings of an environment that `make image` takes; the others are `make deploy`'s. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { CONFIG_KEYS } from '#deploy/config-problems.ts';
import { readEnvFile, readSettings } from '#deploy/settings.ts';
import { fieldsFor } from '#shared/settings/select.ts';

const fields = fieldsFor('make image');
/** Builders other than Kaniko do without its image. */
const schema = z.object({ ...fields, KANIKO_IMAGE: fields.KANIKO_IMAGE.optional() });

export interface ImageSettings extends z.infer<typeof schema> {
  /** Where to add what is missing. */
  file: string;
  /** A docker config.json with credentials: where it lies, and what it says. */
  registryConfig?: { file: string; content: string };
}

/** Without SETTINGS the environment's own file may be missing: docker and its like can do without. */
export function readImageSettings(file: string, isNamed: boolean): { settings: ImageSettings; problems: string[] } {
  if (!existsSync(file) && !isNamed) {
    return { settings: { ...schema.parse({}), file }, problems: [] };
  }
  const { values } = readEnvFile(file);
  const { settings: whole, problems } = readSettings(file, CONFIG_KEYS);
  const set = Object.entries(values).filter(([, value]) => value.trim() !== '');
  const parsed = schema.safeParse(Object.fromEntries(set));
  const registryConfig =
    values['REGISTRY_CONFIG_FILE'] && whole.registryConfig
      ? { file: resolve(dirname(file), values['REGISTRY_CONFIG_FILE']), content: whole.registryConfig }
      : undefined;
  return {
    settings: { ...(parsed.data ?? schema.parse({})), file, ...(registryConfig ? { registryConfig } : {}) },
    problems: [
      ...problems,
      ...(parsed.error?.issues ?? []).map(({ path, message }) => `${file}: ${path.join('.')}: ${message}`),
    ],
  };
}
