/** Everything about a deployment that is known without a cluster, with every problem of what was asked. */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { renderOverlay } from '#shared/manifests/render-overlay.ts';
import { type Composition, compose, configOf } from './compose.ts';
import { CONFIG_KEYS, configProblems } from './config-problems.ts';
import { type Environment, environmentOf, environmentProblem } from './environment.ts';
import { readSettings, type Settings } from './settings.ts';

export type Deployer = 'func' | 'kubectl';

export interface Plan {
  environment: Environment;
  settings: Settings;
  image: string;
  deployer: Deployer;
  composition: Composition;
}

/** Make's variables. */
export interface Request {
  ENV?: string | undefined;
  IMAGE?: string | undefined;
  SETTINGS?: string | undefined;
  DEPLOYER?: string | undefined;
}

const DIGEST = /^[^\s@]+@sha256:[0-9a-f]{64}$/;

/** `plan` is missing where there is a problem; `deployer` is what was asked as far as it could be read. */
export function planDeployment(
  root: string,
  { ENV, IMAGE, SETTINGS, DEPLOYER }: Request,
): { plan?: Plan; deployer: Deployer; usesRabbitmqCluster: boolean; problems: string[] } {
  const problems: string[] = [];
  const deployer = DEPLOYER === 'kubectl' ? 'kubectl' : 'func';
  if (DEPLOYER && DEPLOYER !== deployer) {
    problems.push(`DEPLOYER=${DEPLOYER}: it is func (the default) or kubectl`);
  }
  const made = join(root, '.deploy/image');
  const image = IMAGE?.trim() || (existsSync(made) ? readFileSync(made, 'utf8').trim() : '');
  if (!image) {
    problems.push(
      'IMAGE is not given, and `make image` has not made one yet: run it, or give IMAGE=repository@sha256:…',
    );
  } else if (!DIGEST.test(image)) {
    problems.push(
      `IMAGE=${image} does not name a digest: give repository@sha256:…, which \`crane digest ${image}\` tells, so that every pod runs the same`,
    );
  }
  const unknown = environmentProblem(ENV, root);
  if (unknown || ENV === undefined) {
    return { deployer, usesRabbitmqCluster: false, problems: [...problems, ...(unknown ? [unknown] : [])] };
  }
  const environment = environmentOf(ENV, root);
  const { overlay, problem } = readOverlay(environment, root);
  if (!overlay) {
    return { deployer, usesRabbitmqCluster: false, problems: [...problems, problem] };
  }
  const byDefault = join(root, `.env.${ENV}`);
  const file = SETTINGS || byDefault;
  const named = relative(process.cwd(), file).startsWith('..') ? file : relative(process.cwd(), file);
  let settings: Settings = { config: {} };
  if (SETTINGS || existsSync(byDefault)) {
    const read = readSettings(named, [...CONFIG_KEYS, ...Object.keys(configOf(overlay))]);
    settings = read.settings;
    problems.push(...read.problems);
  }
  const composition = compose(root, environment, overlay, settings, image);
  const ofConfig = configProblems({ ...composition.config, BUILDER_IMAGE: image || 'missing' }, named);
  if (ofConfig.length > 0 && !existsSync(file)) {
    problems.push(
      ...(SETTINGS
        ? []
        : [`there are no settings for ${ENV}: cp deploy/settings.example.env ${named}, and fill it in`]),
    );
  }
  problems.push(...(SETTINGS && !existsSync(file) ? [] : ofConfig));
  const usesRabbitmqCluster = settings.rabbitmq === undefined;
  return problems.length > 0
    ? { deployer, usesRabbitmqCluster, problems }
    : { plan: { environment, settings, image, deployer, composition }, deployer, usesRabbitmqCluster, problems };
}

/** Rendered; or how it was copied and not renamed, or what it says that is not understood here. */
function readOverlay(
  { overlay: folder, namespace, buildsNamespace }: Environment,
  root: string,
): { overlay: KubeObject[]; problem?: never } | { overlay?: never; problem: string } {
  const named = relative(root, folder);
  const advice = 'Was it copied? Put its own name everywhere';
  try {
    const overlay = renderOverlay(folder);
    const places = overlay.map(({ kind, metadata }) => (kind === 'Namespace' ? metadata.name : metadata.namespace));
    const strangers = [...new Set(places)].filter((place) => place !== namespace && place !== buildsNamespace);
    if (strangers.length === 0) {
      return { overlay };
    }
    const elsewhere = strangers.map((place) => place ?? 'no namespace').join(', ');
    return {
      problem: `${named} has objects in ${elsewhere}: all must be in ${namespace} and ${buildsNamespace}. ${advice}`,
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    return { problem: `${named} cannot be read as an overlay: ${why}. ${advice}` };
  }
}
