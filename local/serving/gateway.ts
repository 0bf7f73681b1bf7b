/** The way in to the functions: finds the pod by Host header, waits for one where there is none. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { foreignRequest } from '#shared/foreign-request.ts';
import type { ServingController } from './controller.ts';
import { DOMAIN, functionOf } from './function-host.ts';
import { proxy } from './proxy.ts';
import { NoBackendError } from './revision-pool.ts';
import type { RevisionRuntime } from './revision-runtime.ts';

export function createGateway(controller: () => ServingController): Server {
  const server = createServer((request, response) => {
    void answer(request, response, controller()).catch((error: unknown) => {
      refuse(response, 500, `the gateway failed: ${error instanceof Error ? error.message : String(error)}`);
    });
  });
  // A function may take its timeoutSeconds to read and to answer; that limit is kept in proxy.ts.
  server.requestTimeout = 0;
  server.timeout = 0;
  return server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  controller: ServingController,
): Promise<void> {
  const foreign = foreignRequest(request.headers, true);
  if (foreign !== undefined) {
    refuse(response, 403, foreign);
    return;
  }
  const target = functionOf(request.headers.host);
  if (!target) {
    const host = request.headers.host ?? '';
    refuse(
      response,
      404,
      `no function is called by host "${host}": send "Host: SERVICE.NAMESPACE.${DOMAIN}" (kubectl get ksvc -A lists them)`,
    );
    return;
  }
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  // Each turn ends in an answer, unless the revision was replaced or a pod went away while we waited: then ask again.
  for (;;) {
    const route = controller.route(target.namespace, target.name);
    if (route.found === 'nothing') {
      const { name, namespace } = target;
      refuse(
        response,
        404,
        `there is no Service "${name}" in namespace "${namespace}" (kubectl get ksvc -n ${namespace})`,
      );
      return;
    }
    if (route.found === 'nothing ready') {
      refuse(response, 503, `Service "${target.name}" is not ready: ${route.message}`);
      return;
    }
    if (await ask(route.runtime, request, response, gone.signal)) {
      return;
    }
  }
}

/** False where another revision or pod should be asked. */
async function ask(
  runtime: RevisionRuntime,
  request: IncomingMessage,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<boolean> {
  try {
    const lease = await runtime.pool.acquire(runtime.timeoutSeconds * 1000, gone);
    try {
      const outcome = await proxy(request, response, lease.backend.port, runtime.timeoutSeconds);
      if (outcome === 'refused') {
        runtime.pool.avoid(lease.backend);
      }
      return outcome === 'answered';
    } finally {
      lease.release();
    }
  } catch (error) {
    if (!(error instanceof NoBackendError)) {
      throw error;
    }
    if (gone.aborted) {
      return true;
    }
    if (error.reason === 'Moved' || error.reason === 'Gone') {
      return false;
    }
    refuse(response, 503, error.message);
    return true;
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${message}\n`);
}
