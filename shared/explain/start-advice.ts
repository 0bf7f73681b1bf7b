/** What to do about a pod that does not start, by what Kubernetes says about it. */
import type { Next } from './advice.ts';

export interface Where {
  pod: string;
  /** Undefined where that is the one that kubectl is set to. */
  namespace?: string | undefined;
  subject: string;
}

const ROOM = /nodes are available|Insufficient|unschedul/i;
const IMAGE = /ImagePull|ErrImage|InvalidImageName|manifest unknown|pull access|(?:pull|fetch)(?:ing)? image/i;
const SECRET = /secret|configmap|CreateContainerConfigError/i;

/** Whether the cause is not the function's code. */
export function isOfCluster(trouble: string): boolean {
  return [ROOM, IMAGE, SECRET, /quota/i].some((pattern) => pattern.test(trouble));
}

export function startNext(trouble: string, { pod, namespace, subject }: Where): Next {
  const at = namespace === undefined ? '' : ` -n ${namespace}`;
  if (IMAGE.test(trouble)) {
    return /not found|manifest unknown|404/i.test(trouble)
      ? {
          say: 'Nodes cannot pull the image, for the registry has lost it: build it again, then deploy',
          command: 'kn-lambda deploy --force',
        }
      : {
          say: 'Nodes cannot pull the image: check the registry and the credentials in Secret knative-lambda-registry; doctor looks at both',
          command: 'kn-lambda doctor',
        };
  }
  if (ROOM.test(trouble)) {
    return {
      say: 'No node has room: see what the nodes have, then let the operator add one, or ask for less in parameters.resources',
      command: 'kubectl describe nodes',
    };
  }
  if (SECRET.test(trouble)) {
    return {
      say: 'Make the Secret or the key that it names, or take it out of parameters.secrets: the command lists those that it refers to',
      command: `kn-lambda secrets ${subject}`,
    };
  }
  if (/quota/i.test(trouble)) {
    return {
      say: 'The quota of the namespace is used up: see which, then let the operator raise it, or delete what is not needed',
      command: `kubectl describe resourcequotas${at}`,
    };
  }
  return { say: 'See what Kubernetes says about the pod', command: `kubectl describe pod ${pod}${at}` };
}
