/** Which Service a Host header means. */

/** Host names of the functions end in this. */
export const DOMAIN = 'localhost';

export interface FunctionName {
  namespace: string;
  name: string;
}

/**
 * `{service}.{namespace}` under `.svc.cluster.local`, `.svc` or `.localhost`, in any case, with or without
 * a port or a final dot; undefined for every other host.
 */
export function functionOf(host: string | undefined): FunctionName | undefined {
  const plain = (host ?? '').toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
  const suffix = ['.svc.cluster.local', '.svc', `.${DOMAIN}`].find((ending) => plain.endsWith(ending));
  const [name, namespace, ...more] = suffix ? plain.slice(0, -suffix.length).split('.') : [];
  return name && namespace && more.length === 0 ? { name, namespace } : undefined;
}
