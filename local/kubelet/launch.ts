/** From a container's spec and image to the program that stands for it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { languageEnvironment } from './base-kinds.ts';
import { ContainerConfigError, containerEnvironment } from './container-environment.ts';
import { expandVariables } from './expand-variables.ts';
import { findProgram } from './find-program.ts';
import type { Image } from './images.ts';
import { machineEnvironment } from './machine-environment.ts';
import { placeInMounts, placeInRootfs, placePaths } from './place-paths.ts';
import type { ContainerSpec, Pod } from './pod.ts';
import type { PodContext } from './pod-context.ts';

export interface Launch {
  file: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
}

/** Becomes `terminated` with reason StartError and exit code 128. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

const TERMINATION_LOG = '/dev/termination-log';
const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Without a mount namespace the process sees the machine's files, so that absolute paths of the spec and the image are
 * replaced by the folders they stand for: mount paths and the termination log first, then what belongs to the image.
 * What a program computes or has compiled in is not reached. readOnlyRootFilesystem, runAsUser, capabilities and
 * resources are not enforced: user code runs as whoever started the platform.
 *
 * Throws ContainerConfigError or StartError.
 */
export function planLaunch(
  context: PodContext,
  container: ContainerSpec,
  image: Image,
  terminationLog: string,
): Launch {
  const { node, pod } = context;
  const inMounts = placeInMounts(mountsOf(context, container, terminationLog));
  const inRootfs = placeInRootfs(image.rootfs, image.workingDir);
  const place = (text: string) => placePaths(text, (path) => inMounts(path) ?? inRootfs(path));
  const placeAll = (env: Record<string, string>) =>
    Object.fromEntries(Object.entries(env).map(([name, value]) => [name, place(value)]));

  const ports = { HOST: '127.0.0.1', PORT: String(context.port), METRICS_PORT: String(context.metricsPort) };
  const asked = containerEnvironment(pod, container, node.storage, ports);
  const verbatim = container.env?.filter(({ valueFrom }) => valueFrom?.secretKeyRef).map(({ name }) => name) ?? [];
  const machine = machineEnvironment();
  const language = languageEnvironment(node.toolchain, image.base, image.rootfs);
  const env: Record<string, string> = {
    ...machine,
    ...language.env,
    ...placeAll(image.env),
    ...placeAll(asked),
    // A password may look like a path.
    ...Object.fromEntries(verbatim.flatMap((name) => (name in asked ? [[name, asked[name] ?? '']] : []))),
    // Last: the port that the pod would have to itself is one of the machine's here.
    ...ports,
  };
  env['PATH'] = [
    ...imagePath(asked['PATH'] ?? image.env['PATH'] ?? '', inMounts, inRootfs),
    ...language.path,
    machine['PATH'] ?? '/usr/bin:/bin',
  ].join(':');
  const imagePythonPath = image.env['PYTHONPATH'];
  const languagePythonPath = language.env['PYTHONPATH'];
  if (imagePythonPath !== undefined && languagePythonPath !== undefined && asked['PYTHONPATH'] === undefined) {
    env['PYTHONPATH'] = `${place(imagePythonPath)}:${languagePythonPath}`;
  }
  if (hasToken(pod, container, context)) {
    env['KUBECONFIG'] = node.kubeconfig;
  }

  const workingDir = container.workingDir ?? image.workingDir;
  const cwd = inMounts(workingDir) ?? join(image.rootfs, workingDir);
  mkdirSync(cwd, { recursive: true });

  const words = [
    ...(container.command ?? image.entrypoint),
    ...(container.args ?? (container.command === undefined ? image.cmd : [])),
  ].map((word) => place(expandVariables(word, { ...asked, ...ports })));
  const [program, ...args] = words;
  if (program === undefined) {
    throw new ContainerConfigError(`no command specified, neither by the container nor by image ${container.image}`);
  }
  const file = findProgram(program, { cwd, path: env['PATH'] });
  if (file === undefined) {
    throw new StartError(
      program.includes('/')
        ? `exec: "${program}": no such executable file`
        : `exec: "${program}": executable file not found in $PATH`,
    );
  }
  return { file, args, cwd, env };
}

function mountsOf(context: PodContext, container: ContainerSpec, terminationLog: string): Map<string, string> {
  const mounts = new Map([[container.terminationMessagePath ?? TERMINATION_LOG, terminationLog]]);
  for (const mount of container.volumeMounts ?? []) {
    const folder = context.volumes.get(mount.name);
    if (folder === undefined) {
      throw new ContainerConfigError(`volumeMount "${mount.name}" names no volume of the pod`);
    }
    const path = mount.mountPath.length > 1 ? mount.mountPath.replace(/\/+$/, '') : mount.mountPath;
    mounts.set(path, mount.subPath === undefined ? folder : join(folder, mount.subPath));
  }
  return mounts;
}

/** Of the image's PATH what the image has; the machine's own folders follow anyway. */
function imagePath(
  path: string,
  inMounts: (path: string) => string | undefined,
  inRootfs: (path: string) => string | undefined,
): string[] {
  return path
    .split(':')
    .flatMap((entry) => inMounts(entry) ?? (entry.startsWith('/') ? inRootfs(entry) : undefined) ?? []);
}

/**
 * Mounted by default, and not where the pod opts out or puts something else in its place; or projected at that very
 * path.
 */
function hasToken(pod: Pod, container: ContainerSpec, context: PodContext): boolean {
  const mount = container.volumeMounts?.find(({ mountPath }) => mountPath.replace(/\/+$/, '') === TOKEN_PATH);
  if (mount !== undefined) {
    const volume = pod.spec.volumes?.find(({ name }) => name === mount.name);
    return volume?.projected?.sources?.some((source) => source.serviceAccountToken !== undefined) === true;
  }
  if (pod.spec.automountServiceAccountToken !== undefined) {
    return pod.spec.automountServiceAccountToken;
  }
  const account = context.node.storage.get(
    'serviceaccounts',
    pod.metadata.namespace,
    pod.spec.serviceAccountName ?? 'default',
  );
  return account?.['automountServiceAccountToken'] !== false;
}
