/** Everything about a deployment that is known without a cluster, and every problem of the request. */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { renderOverlay } from '#shared/manifests/render-overlay.ts';
import { type Composition, compose, configOf } from './compose.ts';
import { CONFIG_KEYS, configProblems } from './config-problems.ts';
import { type Environment, environmentOf, environmentProblem } from './environment.ts';
import { readSettings, type Settings } from './settings.ts';
import { tlsProblems } from './tls-problems.ts';

export type Deployer = 'func' | 'kubectl';

export interface Plan {
  environment: Environment;
  settings: Settings;
  image: string;
  deployer: Deployer;
  composition: Composition;
}

/** Variables of make. */
export interface Request {
  ENV?: string | undefined;
  IMAGE?: string | undefined;
  SETTINGS?: string | undefined;
  DEPLOYER?: string | undefined;
}

const DIGEST = /^[^\s@]+@sha256:[0-9a-f]{64}$/;

/** A result with every problem that was found in it. */
type Checked<Result> = Result & { problems: string[] };

/** `plan` is missing where there is a problem; `deployer` is what was asked for as far as it could be read. */
export function planDeployment(
  root: string,
  { ENV, IMAGE, SETTINGS, DEPLOYER }: Request,
): Checked<{ plan?: Plan; deployer: Deployer; usesRabbitmqCluster: boolean }> {
  const { deployer, problems } = readDeployer(DEPLOYER);
  const { image, problems: ofImage } = readImage(root, IMAGE);
  problems.push(...ofImage);

  const unknown = environmentProblem(ENV, root);
  if (unknown !== undefined || ENV === undefined) {
    return { deployer, usesRabbitmqCluster: false, problems: [...problems, ...(unknown ? [unknown] : [])] };
  }
  const environment = environmentOf(ENV, root);
  const { overlay, problem } = readOverlay(environment, root);
  if (!overlay) {
    return { deployer, usesRabbitmqCluster: false, problems: [...problems, problem] };
  }
  const {
    settings,
    composition,
    problems: ofSettings,
  } = applySettings(root, { environment, overlay, image, SETTINGS });
  problems.push(...ofSettings);
  const usesRabbitmqCluster = settings.rabbitmq === undefined;
  return {
    ...(problems.length > 0 ? {} : { plan: { environment, settings, image, deployer, composition } }),
    deployer,
    usesRabbitmqCluster,
    problems,
  };
}

function readDeployer(asked: string | undefined): Checked<{ deployer: Deployer }> {
  const deployer = asked === 'kubectl' ? 'kubectl' : 'func';
  const isKnown = !asked || asked === deployer;
  return { deployer, problems: isKnown ? [] : [`DEPLOYER=${asked}: it is func (the default) or kubectl`] };
}

/** The one that was asked for, or the one that `make image` made last. */
function readImage(root: string, asked: string | undefined): Checked<{ image: string }> {
  const made = join(root, '.deploy/image');
  const image = asked?.trim() || (existsSync(made) ? readFileSync(made, 'utf8').trim() : '');
  if (!image) {
    const problem =
      'IMAGE is not given, and `make image` has not made one yet: run it, or give IMAGE=repository@sha256:…';
    return { image, problems: [problem] };
  }
  if (!DIGEST.test(image)) {
    const problem = `IMAGE=${image} does not name a digest: give repository@sha256:…, which \`crane digest ${image}\` tells, so that every pod runs the same`;
    return { image, problems: [problem] };
  }
  return { image, problems: [] };
}

/** The settings of the file that SETTINGS names, or of `.env.<env>`, over what the overlay says. */
function applySettings(
  root: string,
  {
    environment,
    overlay,
    image,
    SETTINGS,
  }: { environment: Environment; overlay: KubeObject[]; image: string; SETTINGS: string | undefined },
): Checked<{ settings: Settings; composition: Composition }> {
  const file = SETTINGS || join(root, `.env.${environment.name}`);
  const isThere = existsSync(file);
  const named = relative(process.cwd(), file).startsWith('..') ? file : relative(process.cwd(), file);
  const { settings, problems }: Checked<{ settings: Settings }> =
    SETTINGS || isThere
      ? readSettings(named, [...CONFIG_KEYS, ...Object.keys(configOf(overlay))])
      : { settings: { config: {} }, problems: [] };
  const composition = compose(root, environment, overlay, settings, image);
  problems.push(...tlsProblems(composition.config, overlay, settings).map((problem) => `${named}: ${problem}`));
  const ofConfig = configProblems({ ...composition.config, BUILDER_IMAGE: image || 'missing' }, named);
  if (isThere) {
    problems.push(...ofConfig);
  } else if (!SETTINGS && ofConfig.length > 0) {
    const copy = `cp deploy/settings.example.env ${named}`;
    problems.push(`there are no settings for ${environment.name}: ${copy}, and fill it in`, ...ofConfig);
  }
  return { settings, composition, problems };
}

/** The rendered overlay, or the problem: a copy that was not renamed, or a file that cannot be understood. */
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
