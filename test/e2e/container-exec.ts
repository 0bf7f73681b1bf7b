/** Runs a program in a container, as `kubectl exec` does. */
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Exec, KubeConfig } from '@kubernetes/client-node';

export interface Container {
  namespace: string;
  pod: string;
  container: string;
}

/** What it printed. A container that ends meanwhile ends it, too. */
export async function execute(
  kubeconfig: string,
  { namespace, pod, container }: Container,
  command: string[],
): Promise<string> {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  const output = new PassThrough();
  const printed = text(output);
  const socket = await new Exec(config).exec(namespace, pod, container, command, output, output, null, false);
  await new Promise<void>((resolve, reject) => {
    socket.onclose = () => resolve();
    socket.onerror = () => reject(new Error(`the exec in pod ${pod} broke`));
  });
  output.end();
  return printed;
}
