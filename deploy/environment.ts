/**
 * An environment: an overlay of eventing/, its two namespaces, and a folder of this machine for what is composed from
 * it.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Environment {
  name: string;
  namespace: string;
  buildsNamespace: string;
  overlay: string;
  /** Where the kustomization to apply is written. Git ignores it. */
  folder: string;
}

export const ROOT = join(import.meta.dirname, '..');

/** The overlays that can be deployed. `local` belongs to the embedded platform. */
export function environmentNames(root: string): string[] {
  return readdirSync(join(root, 'eventing/overlays'))
    .filter((name) => name !== 'local' && existsSync(join(root, 'eventing/overlays', name, 'kustomization.yaml')))
    .sort();
}

export function environmentOf(name: string, root: string): Environment {
  return {
    name,
    namespace: `knative-lambda-${name}`,
    buildsNamespace: `knative-lambda-${name}-builds`,
    overlay: join(root, 'eventing/overlays', name),
    folder: join(root, '.deploy', name),
  };
}

/** What is wrong with ENV and how to correct it. Undefined where it names an environment. */
export function environmentProblem(name: string | undefined, root: string): string | undefined {
  const names = environmentNames(root);
  if (name !== undefined && names.includes(name)) {
    return undefined;
  }
  const known = `the environments are ${names.join(', ')}: the folders of eventing/overlays/, but for local`;
  return name ? `ENV=${name}: there is no such environment; ${known}` : `ENV is not given; ${known}`;
}
