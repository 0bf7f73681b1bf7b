/** A command of the platform's as it must be pasted here: for the very cluster that this command was given. */

export interface Given {
  kubeconfig?: string | undefined;
  context?: string | undefined;
  namespace?: string | undefined;
  serviceAccount?: string | undefined;
  /** Of a laptop, where kubectl is set to nothing. */
  laptopKubeconfig?: string | undefined;
}

const KUBECTL = /(?<=^|&& |\| |; )kubectl(?= )/g;

export function asGiven(command: string, given: Given): string {
  const { kubeconfig, context, namespace, serviceAccount, laptopKubeconfig } = given;
  const ofKubectl = options({ kubeconfig: kubeconfig ?? laptopKubeconfig, context });
  const ofOurs = options({ kubeconfig, context, namespace, 'service-account': serviceAccount });
  const placed = command.replaceAll(KUBECTL, (tool) => `${tool}${ofKubectl}`);
  // Ours take options behind the verb.
  return command.startsWith('kn-lambda ') ? `${placed}${ofOurs}` : placed;
}

function options(values: Record<string, string | undefined>): string {
  return Object.entries(values)
    .map(([name, value]) => (value === undefined ? '' : ` --${name} ${quoted(value)}`))
    .join('');
}

function quoted(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
