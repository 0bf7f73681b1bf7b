/** The images that users' functions are built on, by the setting's name: BASE_IMAGE_PYTHON is `python`. */
import type { SettingName } from './table.ts';

const PREFIX = 'BASE_IMAGE_';

type BaseImageSetting = SettingName & `${typeof PREFIX}${string}`;
type NameOf<Setting> = Setting extends `${typeof PREFIX}${infer Name}` ? Lowercase<Name> : never;

/** Image references. */
export type BaseImages = Record<NameOf<BaseImageSetting>, string>;

export function baseImagesOf(config: Record<BaseImageSetting, string>): BaseImages {
  const images = Object.entries(config).filter(([name]) => name.startsWith(PREFIX));
  return Object.fromEntries(
    images.map(([name, image]) => [name.slice(PREFIX.length).toLowerCase(), image]),
  ) as BaseImages;
}
