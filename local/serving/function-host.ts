/** Which Service a Host header means. */

export interface FunctionName {
  namespace: string;
  name: string;
}

/**
 * `{service}.{namespace}` under `.svc.cluster.local`, `.svc` or the domain of the gateway, in any case, with or without
 * a port or a final dot; undefined for every other host.
 */
export function functionOf(host: string | undefined, domain: string): FunctionName | undefined {
  const plain = (host ?? '').toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
  const suffix = ['.svc.cluster.local', '.svc', `.${domain.toLowerCase()}`].find((ending) => plain.endsWith(ending));
  const [name, namespace, ...more] = suffix ? plain.slice(0, -suffix.length).split('.') : [];
  return name && namespace && more.length === 0 ? { name, namespace } : undefined;
}
