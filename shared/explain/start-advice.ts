/** What to do about a pod that does not start, by what Kubernetes says about it. */
export function startAdvice(trouble: string): string {
  if (/ImagePull|ErrImage|manifest unknown|pull access|pull image/i.test(trouble)) {
    return 'Nodes cannot pull the image: check its name, and the credentials in Secret knative-lambda-registry';
  }
  if (/nodes are available|Insufficient|unschedul/i.test(trouble)) {
    return 'No node has room: let the operator add one, or ask for less in parameters.resources';
  }
  if (/secret|configmap|CreateContainerConfigError/i.test(trouble)) {
    return 'Make the Secret or the key that it names, or take it out of parameters.secrets';
  }
  if (/quota/i.test(trouble)) {
    return 'The quota of the namespace is used up: let the operator raise it, or delete what is not needed';
  }
  return 'See what Kubernetes says about the pod';
}
