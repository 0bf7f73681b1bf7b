/** All kinds of bad input, each with its share of a run. */
import type { Area } from './area.ts';
import { answers } from './areas/answers.ts';
import { api } from './areas/api.ts';
import { archives } from './areas/archives.ts';
import { dockerfiles } from './areas/dockerfiles.ts';
import { door } from './areas/door.ts';
import { environment } from './areas/environment.ts';
import { keys } from './areas/keys.ts';
import { longTexts } from './areas/long-texts.ts';
import { manifests } from './areas/manifests.ts';
import { sources } from './areas/sources.ts';
import { tenants } from './areas/tenants.ts';

export const areas: Area[] = [
  door,
  api,
  answers,
  tenants,
  keys,
  archives,
  manifests,
  sources,
  dockerfiles,
  environment,
  longTexts,
];
