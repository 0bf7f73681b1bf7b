/**
 * Knative Serving over the embedded Kubernetes API: Services, their revisions and pods, and the gateway in front of
 * them.
 */
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import { ServingController } from './controller.ts';
import { DOMAIN } from './function-host.ts';
import { createGateway } from './gateway.ts';
import type { ServingOptions } from './revision-runtime.ts';

const DEFAULTS: ServingOptions = {
  stableWindowSeconds: 60,
  scaleToZeroGraceSeconds: 30,
  tickMilliseconds: 250,
};

export interface Serving {
  /** The gateway's. */
  url: string;
  /** Answers requests as if they had come to this Service's own address. */
  as(namespace: string, name: string): RequestListener;
  close(): Promise<void>;
}

/** Everything it keeps in memory it learns from storage, so it may be started over objects that exist already. */
export async function startServing(settings: {
  storage: ObjectStorage;
  /** 0: any free one. */
  port?: number;
  options?: Partial<ServingOptions>;
  log?: (line: string) => void;
}): Promise<Serving> {
  const options = { ...DEFAULTS, ...settings.options };
  let controller: ServingController | undefined;
  const gateway = createGateway(() => {
    if (!controller) {
      throw new Error('the gateway is starting');
    }
    return controller;
  });
  gateway.listen(settings.port ?? 0, '127.0.0.1');
  await once(gateway, 'listening');
  const { port } = gateway.address() as AddressInfo;
  const addresses = (namespace: string, name: string) => ({
    url: `http://${name}.${namespace}.${DOMAIN}:${port}`,
    address: `http://${name}.${namespace}.svc.cluster.local`,
  });
  controller = new ServingController(settings.storage, options, addresses, settings.log ?? (() => {}));
  return {
    url: `http://127.0.0.1:${port}`,
    as: (namespace, name) => (request, response) => {
      request.headers.host = `${name}.${namespace}.${DOMAIN}`;
      gateway.emit('request', request, response);
    },
    close: async () => {
      controller?.close();
      gateway.close();
      gateway.closeAllConnections();
      await once(gateway, 'close');
    },
  };
}
