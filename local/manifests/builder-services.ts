/** The Knative Services of the builder's own functions: one per functions/<name>/func.yaml. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { KubeObject } from '#local/kubernetes/types.ts';
import { readFuncYaml } from './func-yaml.ts';
import { functionService } from './function-service.ts';

/** `root` is the project's folder. In the order of their names. */
export function builderServices(root: string, deployment: { namespace: string; image: string }): KubeObject[] {
  const patch: unknown = parse(readFileSync(join(root, 'eventing/function-patch.yaml'), 'utf8'));
  return readdirSync(join(root, 'functions'))
    .sort()
    .map((name) => join(root, 'functions', name, 'func.yaml'))
    .filter((file) => existsSync(file))
    .map((file) => functionService(readFuncYaml(file), { ...deployment, patch }));
}
