/** Where everything is, and what to try next. */
import { relative } from 'node:path';
import type { Platform } from '#local/platform.ts';
import type { Terminal } from './terminal.ts';

export function printAddresses(platform: Platform, { line, paint }: Terminal): void {
  const { port } = new URL(platform.gatewayUrl);
  const { host: registry } = new URL(platform.registryUrl);
  const rows = [
    ['Page', `${platform.brokerUrl}  (open it in a browser)`],
    ['Broker', platform.brokerUrl],
    ['S3', `${platform.s3Url}  (any credentials, path style)`],
    ['Registry', `${platform.registryUrl}  (crane catalog ${registry})`],
    ['Kubernetes', `${platform.kubernetesUrl}  (KUBECONFIG=${fromHere(platform.kubeconfig)})`],
    ['Functions', `http://SERVICE.${platform.namespace}.localhost:${port}`],
  ];
  for (const [name = '', value = ''] of rows) {
    line(`  ${paint('bold', name.padEnd(11))}${value}`);
  }
  line();
}

export function printNextSteps(platform: Platform, serviceName: string | undefined, { line, paint }: Terminal): void {
  const kubectl = `kubectl --kubeconfig ${fromHere(platform.kubeconfig)} -n ${platform.namespace}`;
  const { port } = new URL(platform.gatewayUrl);
  const ce = (type: string): string =>
    `-H 'ce-specversion: 1.0' -H "ce-id: $(date +%s)-$RANDOM" -H 'ce-source: me' -H 'ce-type: ${type}' -H 'content-type: application/json'`;
  const step = (title: string, ...commands: string[]): void => {
    line(paint('dim', `# ${title}`));
    for (const command of commands) {
      line(command);
    }
    line();
  };
  line(paint('bold', 'Try next, in a second shell:'));
  line();
  step(
    'another function, in Python',
    'export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1',
    `aws --endpoint-url ${platform.s3Url} s3 cp --recursive examples/python s3://knative-lambda-source/global/parser/python/`,
    `curl -i ${platform.brokerUrl} ${ce('build.start')} -d '{"third_party_id": "demo", "parser_id": "python"}'`,
  );
  step('what there is', `${kubectl} get ksvc,triggers,brokers,pods`, `${kubectl}-builds get jobs,pods`);
  if (serviceName) {
    step(
      'the function itself, from zero once it has been idle',
      `curl -i http://127.0.0.1:${port} -H 'Host: ${serviceName}.${platform.namespace}.localhost' ${ce('parser.start')} -d @examples/node/event.json`,
    );
  }
  line(
    'Events are shown as they pass. Ctrl-C ends everything; the next make run goes on with it, make clean starts anew.',
  );
  line();
}

function fromHere(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
