/** Asks the API server what it would say to a new Pod. The client library does not show warnings. */
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';
import type { AnyObject } from '#test/contract/world.ts';

export interface Verdict {
  status: number;
  warnings: string[];
}

export async function createDryRun(kubeconfig: string, pod: AnyObject): Promise<Verdict & { message?: string }> {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  const options = { method: 'POST', headers: { 'content-type': 'application/json' } };
  await config.applyToHTTPSOptions(options);
  const url = `${config.getCurrentCluster()?.server}/api/v1/namespaces/${pod.metadata?.namespace}/pods?dryRun=All`;
  return new Promise((resolve, reject) => {
    const call = request(url, options, async (response) => {
      const status = response.statusCode ?? 0;
      const body = await text(response);
      // 299 - "text"
      const warnings = [...String(response.headers['warning'] ?? '').matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)];
      resolve({
        status,
        warnings: warnings.map(([, said = '']) => said),
        ...(status < 300 ? {} : { message: body }),
      });
    });
    call.on('error', reject);
    call.end(JSON.stringify(pod));
  });
}
