/** Says in a sentence why a request got no answer at all. */
import { Failure } from './failure.ts';

const CAUSES: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name cannot be resolved: is there a network?',
  ENETUNREACH: 'there is no network to it',
  EHOSTUNREACH: 'there is no way to it',
  ETIMEDOUT: 'it does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'it took the request and does not answer',
  UND_ERR_BODY_TIMEOUT: 'it stopped in the middle of its answer',
  ECONNRESET: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  EPIPE: 'it closed the connection',
};

/** They end by themselves, where a pod or a port-forward comes back. */
const PASSING = new Set(['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE', 'EAI_AGAIN']);

export function networkFailure(
  error: unknown,
  { server, origin }: { server: string; origin: string },
): { failure: Failure; mayPass: boolean } {
  const { code, message } = deepest(error);
  const isTls = /CERT|SSL|TLS|SELF_SIGNED/.test(code ?? '');
  const why = isTls ? `its certificate does not count here (${code})` : (CAUSES[code ?? ''] ?? message);
  return {
    failure: new Failure(`${server} cannot be reached: ${why}`, { next: nextStep(origin, isTls), cause: error }),
    mayPass: PASSING.has(code ?? ''),
  };
}

function nextStep(origin: string, isTls: boolean): string {
  if (isTls) {
    return 'Give the certificate of its authority: NODE_EXTRA_CA_CERTS=ca.pem kn-lambda …';
  }
  switch (origin) {
    case 'laptop':
      return 'Start the platform in the folder of the project: make run. Or name another: --server URL, or KUBECONFIG.';
    case 'cluster':
      return "It is the gateway's address in the cluster, and kubectl may not forward to it (pods/portforward in knative-serving). Give another one: --server URL.";
    default:
      return 'Check the address, and that the platform runs there: --server URL, KN_LAMBDA_SERVER, or kn-lambda login.';
  }
}

/** fetch hides the cause in `cause`, and that of several addresses in `errors`. */
function deepest(error: unknown): { code: string | undefined; message: string } {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    const inner = current instanceof AggregateError ? current.errors[0] : current.cause;
    if (!(inner instanceof Error)) {
      break;
    }
    current = inner;
  }
  const { code, message } = current as NodeJS.ErrnoException;
  return { code, message: message ?? String(error) };
}
