/** `run.envs` of a func.yaml as a container's env and envFrom: func's ProcessEnvs (pkg/k8s/deployer.go). */

export interface ContainerEnv {
  env: { name: string; value?: string; valueFrom?: unknown }[];
  envFrom: unknown[];
}

/** `built` is the deployment's time, which makes every deployment a new revision. */
export function functionEnv(envs: { name?: string | undefined; value: string }[], built: Date): ContainerEnv {
  const env: ContainerEnv['env'] = [{ name: 'BUILT', value: built.toISOString().slice(0, 19).replace(/[-:]/g, '') }];
  const envFrom: unknown[] = [];
  const stated = envs.some(({ name }) => name === 'ADDRESS') ? envs : [...envs, { name: 'ADDRESS', value: '0.0.0.0' }];
  for (const { name, value } of stated) {
    if (!value.startsWith('{{')) {
      if (name === undefined) {
        throw new Error(`unsupported env source entry: ${JSON.stringify(value)} has no name`);
      }
      env.push({ name, value });
      continue;
    }
    const parts = value
      .replace(/^[{} ]+|[{} ]+$/g, '')
      .split(':')
      .map((part) => part.trim());
    const [source = '', object = '', key] = parts;
    if ((source !== 'configMap' && source !== 'secret') || !object || parts.length !== (name === undefined ? 2 : 3)) {
      throw new Error(
        `${JSON.stringify(value)} is not supported: "{{ configMap:name }}" without a name, "{{ configMap:name:key }}" with one, or secret`,
      );
    }
    if (name === undefined) {
      envFrom.push({ [`${source}Ref`]: { name: object } });
    } else {
      env.push({ name, valueFrom: { [`${source}KeyRef`]: { name: object, key } } });
    }
  }
  return { env, envFrom };
}
