/** The Knative Services of the builder's own functions: one per functions/<name>/func.yaml. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { readFuncYaml } from './func-yaml.ts';
import { functionService } from './function-service.ts';

/**
 * `root` is the project's folder; `patch` is eventing/function-patch.yaml where it is not given. In the order of their
 * names.
 */
export function builderServices(
  root: string,
  { patch = functionPatch(root), ...deployment }: { namespace: string; image: string; patch?: unknown[] },
): KubeObject[] {
  return readdirSync(join(root, 'functions'))
    .sort()
    .map((name) => join(root, 'functions', name, 'func.yaml'))
    .filter((file) => existsSync(file))
    .map((file) => functionService(readFuncYaml(file), { ...deployment, patch }));
}

export function functionPatch(root: string): unknown[] {
  return parse(readFileSync(join(root, 'eventing/function-patch.yaml'), 'utf8')) as unknown[];
}
