/** Commands that are printed, as they must be pasted to mean the same platform. */
import { expect, test } from 'vitest';
import { asGiven } from '#cli/kn-lambda/render/as-given.ts';

test.each([
  [
    'kubectl get pods -n ns',
    { kubeconfig: '/k 1', context: 'c' },
    "kubectl --kubeconfig '/k 1' --context c get pods -n ns",
  ],
  [
    'kubectl create x -o yaml | kubectl apply -f -',
    { context: 'c' },
    'kubectl --context c create x -o yaml | kubectl --context c apply -f -',
  ],
  [
    'kn-lambda explain acme/p1',
    { kubeconfig: 'k', namespace: 'n' },
    'kn-lambda explain acme/p1 --kubeconfig k --namespace n',
  ],
  ['kn-lambda doctor', { serviceAccount: 'ns/ci' }, 'kn-lambda doctor --service-account ns/ci'],
  [
    'kubectl label secret s a=b',
    { laptopKubeconfig: '.local/kubeconfig' },
    'kubectl --kubeconfig .local/kubeconfig label secret s a=b',
  ],
  ['kn-lambda doctor', { laptopKubeconfig: '.local/kubeconfig' }, 'kn-lambda doctor'],
  ['make run', { context: 'c' }, 'make run'],
])('%s with %j', (command, given, expected) => {
  expect(asGiven(command, given)).toBe(expected);
});
