/** The Knative Services of the builder's own functions: one per functions/<name>/func.yaml. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { readFuncYaml } from './func-yaml.ts';
import { functionService } from './function-service.ts';

/** `root` is the project's folder; `patchOf` the patch of each function, by its name. In the order of their names. */
export function builderServices(
  root: string,
  {
    patchOf = (name) => functionPatch(root, name),
    ...deployment
  }: { namespace: string; image: string; patchOf?: (name: string) => unknown[] },
): KubeObject[] {
  return readdirSync(join(root, 'functions'))
    .sort()
    .map((name) => join(root, 'functions', name, 'func.yaml'))
    .filter((file) => existsSync(file))
    .map((file) => readFuncYaml(file))
    .map((func) => functionService(func, { ...deployment, patch: patchOf(func.name) }));
}

/** eventing/function-patch.yaml, and what the function adds to it in a service-patch.yaml beside its func.yaml. */
export function functionPatch(root: string, name: string): unknown[] {
  const files = [join(root, 'eventing/function-patch.yaml'), join(root, 'functions', name, 'service-patch.yaml')];
  return files.filter((file) => existsSync(file)).flatMap((file) => parse(readFileSync(file, 'utf8')) as unknown[]);
}
