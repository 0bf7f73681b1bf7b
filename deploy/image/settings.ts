/** Reads the settings that `make image` uses. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { CONFIG_KEYS } from '#deploy/config-problems.ts';
import { readEnvFile, readSettings } from '#deploy/settings.ts';
import { fieldsFor } from '#shared/settings/select.ts';

const fields = fieldsFor('make image');
/** Only the builder kaniko needs KANIKO_IMAGE. */
const schema = z.object({ ...fields, KANIKO_IMAGE: fields.KANIKO_IMAGE.optional() });

export interface ImageSettings extends z.infer<typeof schema> {
  /** The file to which a person adds what is missing. */
  file: string;
  /** A docker config.json with credentials: its path and its text. */
  registryConfig?: { file: string; content: string };
}

/**
 * The environment's own file may be missing, since docker and its like need no settings; one that SETTINGS names may
 * not.
 */
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
